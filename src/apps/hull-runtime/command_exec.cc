#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>

#include "apps/hull-runtime/making.h"
#include "apps/hull-runtime/sub_cgroups.h"
#include "runtime/compile.h"
#include "runtime/exec.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

Result<uint32_t> parse_id(std::string_view text) {
    uint32_t id = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size())
        return Error(ErrorKind::invalid_argument, "invalid user or group id \"" + std::string(text) + "\"");
    return id;
}

Result<void> set_user(oci::User& user, const Args& args) {
    std::string text = args.value("user");
    if (!text.empty()) {
        size_t colon = text.find(':');
        user.uid = TRY(parse_id(std::string_view(text).substr(0, colon)));
        if (colon != text.npos) user.gid = TRY(parse_id(std::string_view(text).substr(colon + 1)));
    }
    for (const std::string& gid : args.values("additional-gids")) user.additional_gids.push_back(TRY(parse_id(gid)));
    return {};
}

void add_capabilities(oci::Process& process, const std::vector<std::string>& names) {
    if (names.empty()) return;
    if (!process.capabilities) process.capabilities.emplace();
    auto& caps = *process.capabilities;
    auto has = [](const auto& set, const std::string& name) { return std::ranges::find(set, name) != set.end(); };
    for (const std::string& name : names) {
        for (auto* set : {&caps.bounding, &caps.effective, &caps.permitted})
            if (!has(*set, name)) set->push_back(name);
        // Ambient needs inheritable, which isn't given away here.
        if (has(caps.inheritable, name) && !has(caps.ambient, name)) caps.ambient.push_back(name);
    }
}

// The container's own process with the command line's changes, or --process.
Result<oci::Process> read_process(Context& context, const std::string& id, const Args& args) {
    oci::Spec spec = TRY(context.store.load_spec(id));
    if (auto path = args.value("process"); !path.empty()) {
        auto process = TRY(oci::parse_process(TRY(sys::read_file(path, size_t{4} << 20))).context(path));
        adapt_process(process, grantable_capabilities(spec), context.log);
        return process;
    }
    oci::Process process = std::move(*spec.process);
    process.args.assign(args.words().begin() + 1, args.words().end());
    if (auto cwd = args.value("cwd"); !cwd.empty()) process.cwd = cwd;
    if (auto profile = args.value("apparmor"); !profile.empty()) process.apparmor_profile = profile;
    if (auto label = args.value("process-label"); !label.empty()) process.selinux_label = label;
    add_capabilities(process, args.values("cap"));
    for (const std::string& entry : args.values("env")) process.env.push_back(entry);
    process.terminal = args.has("tty");
    process.console_size.reset(); // was the first process's
    if (args.has("no-new-privs")) process.no_new_privileges = true;
    TRY(set_user(process.user, args));
    adapt_process(process, grantable_capabilities(spec), context.log);
    return process;
}

Result<void> check_running(Context& context, const Container& container, UniqueFd& lock, bool ignore_paused) {
    TRY(context.need_cgroups());
    Status status = status_of(container, context.store, *context.cgroups);
    if (status == Status::stopped) return Error(ErrorKind::conflict, "cannot exec in a stopped container");
    if (status == Status::creating) return unfinished(container.id);
    if (status == Status::paused && !ignore_paused)
        return Error(ErrorKind::conflict, "cannot exec in a paused container (use --ignore-paused to override)");
    // The new process stands still until somebody resumes the container, who
    // needs the lock.
    if (status == Status::paused) lock.reset();
    return {};
}

Result<Followed> start(const Context& context, const Container& container, const runtime::ExecPlan& plan,
                       const StartOptions& options) {
    auto extra = TRY(preserved_fds(options.preserve_fds));
    UniqueFd init = TRY(sys::pidfd_open(container.pid));
    if (!is_alive(container)) return Error(ErrorKind::conflict, "cannot exec in a stopped container");
    runtime::LaunchFds fds;
    fds.stdin_ = BorrowedFd(0);
    fds.stdout_ = BorrowedFd(1);
    fds.stderr_ = BorrowedFd(2);
    fds.console_socket = options.console;
    // As runc: who reads it needn't be a terminal, and one that is adds its own.
    fds.line_ends = runtime::LineEnds::kept;
    fds.extra = extra;
    auto pending = TRY(runtime::exec(init, plan, fds, context.privileges));
    Followed followed;
    OnWay on_way;
    on_way.at_listener = [&](BorrowedFd listener, pid_t pid) {
        return send_to_agent(container, "running", plan.process, listener, pid);
    };
    auto started = follow(pending.report, on_way, context.log, followed);
    (void)sys::wait_for(pending.intermediate);
    if (started.ok()) return Result<Followed>(std::move(followed));
    if (followed.pid > 0) {
        (void)sys::pidfd_signal(followed.pidfd, 9); // it may wait for us
        (void)sys::wait_for(followed.pid);
    }
    return start_error(std::move(started).error());
}

// Who wants to know of the new process.
Result<void> tell(const StartOptions& options, const Followed& followed) {
    TRY(send_pidfd(options, followed, "setns"));
    return write_pid_file(options.pid_file, followed.pid);
}

Result<int> exec_in(Context& context, const Args& args) {
    const std::string& id = args.words()[0];
    bool detached = args.has("detach");
    if (args.value("process").empty() && args.words().size() < 2)
        return Error(ErrorKind::invalid_argument, "process args cannot be empty");
    UniqueFd lock = TRY(context.store.lock(id, sys::Sharing::shared));
    Container container = TRY(context.store.load(id));
    TRY(check_running(context, container, lock, args.has("ignore-paused")));
    StartOptions options = TRY(StartOptions::from(args));
    oci::Process process = TRY(read_process(context, id, args));
    if (detached && process.terminal && !options.console)
        return Error(ErrorKind::invalid_argument,
                     "cannot allocate tty if runc will detach without setting console socket");
    auto plan = TRY(runtime::compile_exec(process, TRY(context.store.load_plan(id))));
    TRY(enter_sub_cgroups(args.values("cgroup"), plan.cgroup));
    std::optional<sys::SignalQueue> signals;
    if (!detached) signals.emplace(TRY(hold_signals()));
    Followed followed = TRY(start(context, container, plan, options));
    auto told = tell(options, followed);
    if (!told.ok()) {
        (void)sys::pidfd_signal(followed.pidfd, SIGKILL);
        (void)sys::wait_for(followed.pid);
        return std::move(told).error();
    }
    if (detached) return 0;
    lock.reset();
    return attend(followed.pid, std::move(followed.terminal), *signals);
}

} // namespace

Result<int> run_exec(Context& context, const Args& args) { return exec_in(context, args).context("exec failed"); }

} // namespace hull::oci_runtime
