#include "sys/own_proc.h"

#include <array>
#include <atomic>
#include <climits>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/kernel_calls.h"

namespace hull::sys {

namespace {

constexpr ino_t proc_root_inode = 1; // PROC_ROOT_INO

int open_proc() {
    UniqueFd fd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct statfs fs{};
    struct stat info{};
    bool is_root = fd && ::fstatfs(fd.get(), &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
                   ::fstat(fd.get(), &info) == 0 && info.st_ino == proc_root_inode;
    return is_root ? fd.release() : -1;
}

std::atomic<int>& slot() {
    static std::atomic<int> fd{open_proc()};
    return fd;
}

} // namespace

void keep_own_proc(int minimum) {
    if (kernel_has(Call::openat2) && kernel_has(Call::close_range) && kernel_has(Call::close_range_cloexec) &&
        kernel_has(Call::detached_mounts) && kernel_has(Call::statx))
        return;
    int now = slot().load();
    if (now < 0 || now >= minimum) return;
    slot().store(::fcntl(now, F_DUPFD_CLOEXEC, minimum));
    ::close(now);
}

BorrowedFd own_proc() { return BorrowedFd(slot().load()); }

void forget_own_proc() {
    int fd = slot().exchange(-1);
    if (fd >= 0) ::close(fd);
}

Result<std::string> path_of(BorrowedFd fd) {
    BorrowedFd proc = own_proc();
    if (!proc) return Error(ErrorKind::not_found, "no procfs to ask for the path of a descriptor");
    std::array<char, PATH_MAX> text{};
    std::string name = "self/fd/" + std::to_string(fd.get());
    ssize_t n = ::readlinkat(proc.get(), name.c_str(), text.data(), text.size());
    if (n < 0) return Error::from_errno("readlink", "/proc/" + name);
    return std::string(text.data(), static_cast<size_t>(n));
}

} // namespace hull::sys
