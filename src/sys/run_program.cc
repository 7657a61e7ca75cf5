#include "sys/run_program.h"

#include <array>
#include <csignal>

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

int wait_exit_code(pid_t pid) {
    int status = 0;
    if (retry([&] { return ::waitpid(pid, &status, 0); }) < 0) return 255;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

Result<ProgramOutput> run_program(const std::string& program, const std::vector<std::string>& args, size_t limit) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return Error::from_errno("pipe2");
    UniqueFd reader(ends[0]), writer(ends[1]);
    SpawnActions actions;
    posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 1);
    posix_spawn_file_actions_adddup2(actions.get(), writer.get(), 2);
    std::vector<char*> argv;
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    pid_t pid = 0;
    int failed = ::posix_spawnp(&pid, program.c_str(), actions.get(), nullptr, argv.data(), environ);
    if (failed != 0) return Error::from_errno("posix_spawn", program, failed);
    writer.reset();

    ProgramOutput out;
    std::array<char, 16384> chunk;
    for (;;) {
        auto got = read(reader, chunk);
        if (got.ok() && *got > 0 && out.output.size() + *got <= limit) {
            out.output.append(chunk.data(), *got);
            continue;
        }
        if (got.ok() && *got == 0) break;
        ::kill(pid, SIGKILL);
        wait_exit_code(pid);
        if (!got.ok()) return std::move(got).error();
        return Error(ErrorKind::too_large, program + " printed more than " + std::to_string(limit) + " bytes");
    }
    out.exit_code = wait_exit_code(pid);
    return out;
}

} // namespace hull::sys
