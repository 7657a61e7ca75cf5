#include "runtime/hooks.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/ready.h"

namespace hull::runtime {

namespace {

// One without "env" has its caller's, as for runc and crun.
std::vector<std::string> environment_of(const HookPlan& hook, const HookSurroundings& around) {
    if (!hook.env.empty()) return hook.env;
    return around.env ? *around.env : sys::own_environment();
}

[[noreturn]] void become_hook(const HookPlan& hook, const HookSurroundings& around, BorrowedFd state,
                              BorrowedFd errors) {
    sys::quiet_signals();
    bool placed = sys::duplicate_to(state, 0).ok() && sys::duplicate_to(errors, 1).ok() &&
                  sys::duplicate_to(errors, 2).ok() && sys::close_on_exec_from(3).ok();
    if (!placed) sys::exit_now(127);
    sys::unblock_signals();
    auto args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
    auto env = environment_of(hook, around);
    auto confined = around.confine ? around.confine() : Result<void>();
    Error failed = confined.ok() ? sys::exec(hook.path, args, env) : std::move(confined).error();
    std::string text = failed.message() + "\n";
    (void)sys::write_all(BorrowedFd(2), text).ok();
    sys::exit_now(127);
}

// What it said last, until it ends or the time is over.
Result<std::string> listen(BorrowedFd errors, BorrowedFd process, int timeout_seconds) {
    constexpr size_t longest = 2048;
    int64_t deadline = monotonic_ns() + int64_t{timeout_seconds} * 1'000'000'000;
    TRY(sys::make_nonblocking(errors));
    std::string said;
    std::array<char, 1024> buffer{};
    bool open = true;
    auto drain = [&]() -> Result<void> {
        while (open) {
            auto n = TRY(sys::read_now(errors, buffer));
            if (!n) break;
            if (*n == 0) open = false;
            said.append(buffer.data(), *n);
            if (said.size() > longest) said.erase(0, said.size() - longest);
        }
        return {};
    };
    for (;;) {
        std::array wanted{sys::Readiness{open ? errors : BorrowedFd()}, sys::Readiness{process}};
        int left = -1;
        if (timeout_seconds > 0) left = static_cast<int>(std::max<int64_t>(0, deadline - monotonic_ns()) / 1'000'000);
        if (!TRY(sys::wait_ready(wanted, left))) return Error(ErrorKind::timed_out, "it took too long");
        TRY(drain());
        if (wanted[1].ready) return said;
    }
}

} // namespace

std::string hook_state(const std::string& base, const char* status, pid_t pid) {
    std::string rest = base.substr(std::min<size_t>(base.size(), 1));
    return "{\"status\":\"" + std::string(status) + "\",\"pid\":" + std::to_string(pid) + (rest == "}" ? "" : ",") +
           rest;
}

Result<void> run_hook(const HookPlan& hook, const std::string& state_json, const HookSurroundings& around) {
    UniqueFd state = TRY(sys::make_memfd("state", state_json));
    auto [errors, their_end] = TRY(sys::make_pipe());
    UniqueFd process;
    sys::CloneRequest request;
    request.exit_signal = SIGCHLD;
    request.pidfd = &process;
    pid_t pid = TRY(sys::clone(request));
    if (pid == 0) become_hook(hook, around, state, their_end);
    their_end.reset();
    auto said = listen(errors, process, hook.timeout_seconds);
    if (!said.ok()) (void)sys::pidfd_signal(process, SIGKILL).ok();
    int status = TRY(sys::wait_for(pid)).status;
    if (!said.ok()) return std::move(said).error().context(hook.path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    std::string how = WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                        : "killed by signal " + std::to_string(WTERMSIG(status));
    return Error(ErrorKind::system, hook.path + ": " + how + (said->empty() ? "" : ": " + *said));
}

std::string hook_failure(const char* kind, size_t index) {
    return "error running " + std::string(kind) + " hook #" + std::to_string(index);
}

} // namespace hull::runtime
