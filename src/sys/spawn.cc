#include "sys/spawn.h"

#include <csignal>

#include <spawn.h>
#include <unistd.h>

namespace hull::sys {

namespace {

class Spawner {
public:
    Spawner() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
    }
    ~Spawner() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Spawner(const Spawner&) = delete;
    Spawner& operator=(const Spawner&) = delete;

    Result<pid_t> run(const SpawnRequest& request) {
        sigset_t none, every;
        ::sigemptyset(&none);
        ::sigfillset(&every);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &every);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        for (auto [ours, number] : request.fds) ::posix_spawn_file_actions_adddup2(&actions_, ours.get(), number);
        std::vector<char*> args;
        for (const std::string& arg : request.args) args.push_back(const_cast<char*>(arg.c_str()));
        args.push_back(nullptr);
        pid_t pid = 0;
        int code = ::posix_spawn(&pid, request.program.c_str(), &actions_, &attributes_, args.data(), environ);
        if (code != 0) return Error::from_errno("posix_spawn", request.program, code);
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

} // namespace

Result<pid_t> spawn(const SpawnRequest& request) { return Spawner().run(request); }

} // namespace hull::sys
