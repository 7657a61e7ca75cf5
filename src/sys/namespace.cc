#include "sys/namespace.h"

#include <csignal>
#include <cstdint>
#include <utility>

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

Result<void> unshare(uint64_t clone_new_flags) {
    if (::unshare(static_cast<int>(clone_new_flags)) != 0) return Error::from_errno("unshare");
    return {};
}

Result<void> setns(BorrowedFd fd, uint64_t clone_new_flags) {
    if (::setns(fd.get(), static_cast<int>(clone_new_flags)) != 0) return Error::from_errno("setns");
    return {};
}

Result<uint64_t> namespace_kind(BorrowedFd fd) {
    int kind = ::ioctl(fd.get(), NS_GET_NSTYPE);
    if (kind < 0) return Error::from_errno("ioctl NS_GET_NSTYPE");
    return static_cast<uint64_t>(kind);
}

namespace {

constexpr size_t holder_stack = 16384;

// Shares the caller's memory, so it makes no call that touches any (not even
// errno, so none that fails): it dies with its parent, and otherwise sleeps.
// A parent that died before the first call sends no signal any more. It keeps
// none of the parent's files: an orphan with a listening socket would leave
// clients waiting for ever.
int hold(void* parent) {
    ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::syscall(SYS_getppid) != reinterpret_cast<intptr_t>(parent)) ::syscall(SYS_exit, 0);
    ::syscall(SYS_close_range, 0, ~0U, 0);
    for (;;) ::syscall(SYS_pause);
}

} // namespace

Result<NamespaceHolder> NamespaceHolder::create(uint64_t clone_new_flags) {
    void* stack = ::mmap(nullptr, holder_stack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return Error::from_errno("mmap");
    // Signals are blocked for the child's whole life: a handler of the
    // program must not run in it.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    void* parent = reinterpret_cast<void*>(static_cast<intptr_t>(::getpid()));
    pid_t pid =
        ::clone(hold, static_cast<char*>(stack) + holder_stack, CLONE_VM | static_cast<int>(clone_new_flags), parent);
    int code = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        ::munmap(stack, holder_stack);
        return Error::from_errno("clone", code);
    }
    return NamespaceHolder(pid, stack);
}

NamespaceHolder::NamespaceHolder(NamespaceHolder&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), stack_(std::exchange(other.stack_, nullptr)) {}

NamespaceHolder::~NamespaceHolder() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    retry([&] { return ::waitpid(pid_, nullptr, __WALL); });
    ::munmap(stack_, holder_stack);
}

bool in_first_user_namespace() {
    constexpr uint64_t first_user_namespace = 0xEFFFFFFD; // PROC_USER_INIT_INO of the kernel
    auto own = namespace_id("/proc/self/ns/user");
    // A kernel without user namespaces has no such file, and a process without
    // /proc gets no container made anyway.
    return !own.ok() || own->inode == first_user_namespace;
}

Result<NamespaceId> namespace_id(const std::string& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return Error::from_errno("stat", path);
    return NamespaceId{info.st_dev, info.st_ino};
}

Result<void> set_hostname(const std::string& name) {
    if (::sethostname(name.c_str(), name.size()) != 0) return Error::from_errno("sethostname", name);
    return {};
}

Result<void> set_domainname(const std::string& name) {
    if (::setdomainname(name.c_str(), name.size()) != 0) return Error::from_errno("setdomainname", name);
    return {};
}

} // namespace hull::sys
