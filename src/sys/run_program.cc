#include "sys/run_program.h"

#include <array>
#include <csignal>
#include <functional>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/retry.h"

extern char** environ;

namespace hull::sys {
namespace {

class SpawnActions {
public:
    SpawnActions() { posix_spawn_file_actions_init(&actions_); }
    ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    posix_spawn_file_actions_t* get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
};

// A process group of its own, so that all that it starts can be killed with it.
class OwnGroup {
public:
    OwnGroup() {
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setpgroup(&attributes_, 0);
    }
    ~OwnGroup() { posix_spawnattr_destroy(&attributes_); }
    OwnGroup(const OwnGroup&) = delete;
    OwnGroup& operator=(const OwnGroup&) = delete;
    posix_spawnattr_t* get() { return &attributes_; }

private:
    posix_spawnattr_t attributes_;
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

int wait_exit_code(pid_t pid) {
    int status = 0;
    if (retry([&] { return ::waitpid(pid, &status, 0); }) < 0) return 255;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

Result<ProgramOutput> run_program(const std::string& program, const std::vector<std::string>& args, size_t limit,
                                  const RunOptions& options) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return Error::from_errno("pipe2");
    UniqueFd reader(ends[0]), writer(ends[1]);
    SpawnActions actions;
    posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 1);
    posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 2);
    std::vector<char*> argv = pointers_to(args), own_env;
    if (options.environment) own_env = pointers_to(*options.environment);
    OwnGroup group;
    pid_t pid = 0;
    int failed = ::posix_spawnp(&pid, program.c_str(), actions.get(), group.get(), argv.data(),
                                options.environment ? own_env.data() : environ);
    if (failed != 0) return Error::from_errno("posix_spawn", program, failed);
    writer.reset();
    // Until it is waited for the number is its.
    std::optional<std::stop_callback<std::function<void()>>> on_stop;
    on_stop.emplace(options.stop, [pid] { ::kill(-pid, SIGKILL); });

    ProgramOutput out;
    std::array<char, 16384> chunk;
    for (;;) {
        auto got = read(reader, chunk);
        if (got.ok() && *got > 0 && out.output.size() + *got <= limit) {
            out.output.append(chunk.data(), *got);
            continue;
        }
        if (got.ok() && *got == 0) break;
        ::kill(-pid, SIGKILL);
        on_stop.reset();
        wait_exit_code(pid);
        if (!got.ok()) return std::move(got).error();
        return Error(ErrorKind::too_large, program + " printed more than " + std::to_string(limit) + " bytes");
    }
    on_stop.reset();
    out.exit_code = wait_exit_code(pid);
    if (options.stop.stop_requested()) return Error(ErrorKind::cancelled, program + " was stopped");
    return out;
}

} // namespace hull::sys
