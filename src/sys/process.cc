#include "sys/process.h"

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <linux/close_range.h>
extern "C" { // glibc 2.36 forgot to say so
#include <sys/pidfd.h>
}
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/kernel_calls.h"
#include "sys/process_old.h"
#include "sys/retry.h"

namespace hull::sys {

Result<pid_t> clone(const CloneRequest& request) {
    if (!kernel_has(Call::clone3)) return clone_by_registers(request);
    struct clone_args args{};
    int pidfd = -1;
    args.flags = request.flags;
    args.exit_signal = static_cast<uint64_t>(request.exit_signal);
    if (request.pidfd) {
        args.flags |= CLONE_PIDFD;
        args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    }
    if (request.cgroup) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<uint64_t>(request.cgroup.get());
    }
    long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) return Error::from_errno("clone3");
    if (pid != 0 && request.pidfd) request.pidfd->reset(pidfd);
    return static_cast<pid_t>(pid);
}

Result<Exit> wait_for(pid_t pid) {
    Exit exit;
    if (retry([&] { return ::waitpid(pid, &exit.status, __WALL); }) < 0) return Error::from_errno("waitpid");
    return exit;
}

void exit_now(int code) { ::_exit(code); }

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

} // namespace

Error exec(const std::string& path, const std::vector<std::string>& args, const std::vector<std::string>& env) {
    ::execve(path.c_str(), pointers(args).data(), pointers(env).data());
    return Error::from_errno("exec", path);
}

Error exec_fd(BorrowedFd program, const std::vector<std::string>& args, const std::vector<std::string>& env) {
    ::syscall(SYS_execveat, program.get(), "", pointers(args).data(), pointers(env).data(), AT_EMPTY_PATH);
    return Error::from_errno("execveat");
}

pid_t process_id() { return ::getpid(); }

Result<UniqueFd> pidfd_open(pid_t pid) {
    int fd = ::pidfd_open(pid, 0);
    if (fd < 0) return Error::from_errno("pidfd_open");
    return UniqueFd(fd);
}

Result<void> pidfd_signal(BorrowedFd pidfd, int signal) {
    if (::pidfd_send_signal(pidfd.get(), signal, nullptr, 0) != 0) return Error::from_errno("pidfd_send_signal");
    return {};
}

Result<void> close_on_exec_from(unsigned first) {
    if (!kernel_has(Call::close_range_cloexec)) return mark_each_from(first);
    if (::close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0) return Error::from_errno("close_range");
    return {};
}

Result<void> duplicate_to(BorrowedFd fd, int to) {
    if (fd.get() == to) {
        if (::fcntl(to, F_SETFD, 0) != 0) return Error::from_errno("fcntl");
        return {};
    }
    if (retry([&] { return ::dup2(fd.get(), to); }) < 0) return Error::from_errno("dup2");
    return {};
}

Result<UniqueFd> duplicate_above(BorrowedFd fd, int minimum) {
    int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, minimum);
    if (copy < 0) return Error::from_errno("fcntl");
    return UniqueFd(copy);
}

Result<void> close_all_from(unsigned first, std::span<const int> keep) {
    std::vector<unsigned> kept;
    for (int fd : keep)
        if (fd >= 0 && static_cast<unsigned>(fd) >= first) kept.push_back(static_cast<unsigned>(fd));
    std::ranges::sort(kept);
    if (!kernel_has(Call::close_range)) return close_each_from(first, kept);
    for (unsigned fd : kept) {
        if (fd > first && ::close_range(first, fd - 1, 0) != 0) return Error::from_errno("close_range");
        first = std::max(first, fd + 1);
    }
    if (::close_range(first, UINT_MAX, 0) != 0) return Error::from_errno("close_range");
    return {};
}

void quiet_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    // The system call, as glibc keeps 32 and 33 to itself, and its posix_spawn
    // leaves them ignored. All zero: SIG_DFL, no flags, no mask. KILL and STOP refuse.
    std::array<unsigned long, 4> action{};
    for (int number = 1; number < NSIG; ++number)
        ::syscall(SYS_rt_sigaction, number, action.data(), nullptr, sizeof(uint64_t));
}

void unblock_signals() {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

pid_t own_pid() { return ::getpid(); }

Result<void> new_session() {
    if (::setsid() < 0) return Error::from_errno("setsid");
    return {};
}

std::vector<std::string> own_environment() {
    std::vector<std::string> all;
    for (char** entry = environ; *entry; ++entry) all.emplace_back(*entry);
    return all;
}

Result<void> chdir(const std::string& path) {
    if (::chdir(path.c_str()) != 0) return Error::from_errno("chdir", path);
    return {};
}

Result<void> fchdir(BorrowedFd dir) {
    if (::fchdir(dir.get()) != 0) return Error::from_errno("fchdir");
    return {};
}

Result<void> chroot(const std::string& path) {
    if (::chroot(path.c_str()) != 0) return Error::from_errno("chroot", path);
    return {};
}

Result<std::string> current_folder() {
    // The system call, not getcwd(3): that one hides a folder outside the root.
    std::array<char, PATH_MAX> text{};
    long length = ::syscall(SYS_getcwd, text.data(), text.size());
    if (length < 0) return Error::from_errno("getcwd");
    return std::string(text.data());
}

mode_t set_umask(mode_t mask) { return ::umask(mask); }

Result<void> set_no_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::from_errno("prctl no_new_privs");
    return {};
}

Result<void> set_not_dumpable() {
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return Error::from_errno("prctl dumpable");
    return {};
}

Result<void> set_dumpable() {
    if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return Error::from_errno("prctl dumpable");
    return {};
}

Result<void> new_session_keyring() {
    constexpr int join_session_keyring = 1; // <linux/keyctl.h>
    // EPERM: a sandbox's filter, as no rights are needed for a nameless keyring;
    // the program is under that filter too and can't reach a keyring at all.
    if (::syscall(SYS_keyctl, join_session_keyring, nullptr) < 0 && errno != ENOSYS && errno != EPERM)
        return Error::from_errno("keyctl");
    return {};
}

} // namespace hull::sys
