#include "sys/child_program.h"

#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

namespace {

// posix_spawn's two argument objects, freed on every path.
struct Setup {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    Setup() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    Setup(const Setup&) = delete;
    Setup& operator=(const Setup&) = delete;
    ~Setup() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    return out;
}

void redirect(Setup& setup, const ProgramRequest& request) {
    if (request.null_input)
        ::posix_spawn_file_actions_addopen(&setup.actions, 0, "/dev/null", O_RDONLY, 0);
    else if (request.input.valid())
        ::posix_spawn_file_actions_adddup2(&setup.actions, request.input.get(), 0);
    if (request.output.valid()) ::posix_spawn_file_actions_adddup2(&setup.actions, request.output.get(), 1);
    if (request.error.valid()) ::posix_spawn_file_actions_adddup2(&setup.actions, request.error.get(), 2);
    if (!request.folder.empty()) ::posix_spawn_file_actions_addchdir_np(&setup.actions, request.folder.c_str());
}

} // namespace

Result<pid_t> start_program(const ProgramRequest& request) {
    Setup setup;
    redirect(setup, request);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&setup.attributes, &none);
    ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (request.new_session) flags |= POSIX_SPAWN_SETSID;
    ::posix_spawnattr_setflags(&setup.attributes, flags);

    std::vector<char*> args = pointers(request.args);
    args.push_back(nullptr);
    std::vector<char*> env = pointers(request.more_env);
    for (char** variable = environ; *variable; ++variable) env.push_back(*variable);
    env.push_back(nullptr);

    pid_t pid = -1;
    int code = ::posix_spawnp(&pid, args[0], &setup.actions, &setup.attributes, args.data(), env.data());
    if (code == ENOENT) return Error::from_errno("exec", request.args[0], code).with_kind(ErrorKind::no_such_program);
    if (code == EACCES || code == ENOEXEC)
        return Error::from_errno("exec", request.args[0], code).with_kind(ErrorKind::not_executable);
    if (code != 0) return Error::from_errno("posix_spawn", request.args[0], code);
    return pid;
}

Result<std::optional<int>> poll_exit(pid_t child) {
    int status = 0;
    pid_t got = retry([&] { return ::waitpid(child, &status, WNOHANG); });
    if (got < 0) return Error::from_errno("waitpid");
    if (got == 0) return std::optional<int>();
    return std::optional<int>(status);
}

} // namespace hull::sys
