#include "sys/file_copy.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string_view>

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

Result<bool> share_blocks(BorrowedFd from, BorrowedFd to) {
    if (retry([&] { return ::ioctl(to.get(), FICLONE, from.get()); }) == 0) return true;
    switch (errno) {
    case EOPNOTSUPP:
    case ENOTTY:
    case EXDEV:
    case EINVAL: return false;
    default: return Error::from_errno("ioctl FICLONE");
    }
}

Result<std::optional<Extent>> next_data(BorrowedFd fd, uint64_t offset) {
    const off_t start = ::lseek(fd.get(), static_cast<off_t>(offset), SEEK_DATA);
    if (start < 0 && errno == ENXIO) return std::optional<Extent>();
    if (start < 0) return Error::from_errno("lseek SEEK_DATA");
    const off_t end = ::lseek(fd.get(), start, SEEK_HOLE);
    if (end < 0 && errno == ENXIO) return std::optional<Extent>(); // cut short meanwhile
    if (end < 0) return Error::from_errno("lseek SEEK_HOLE");
    return std::optional<Extent>(Extent{static_cast<uint64_t>(start), static_cast<uint64_t>(end - start)});
}

Result<void> seek_to(BorrowedFd fd, uint64_t offset) {
    if (::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return Error::from_errno("lseek");
    return {};
}

namespace {

// listxattrat(2) of Linux 6.13; before that by a path through /proc. Errors in errno.
ssize_t list_xattrs(BorrowedFd dir, const std::string& name, std::string& into) {
    constexpr long listxattrat = 465;
    static std::atomic<bool> missing{false};
    if (!name.empty() && !missing) {
        const ssize_t size =
            ::syscall(listxattrat, dir.get(), name.c_str(), AT_SYMLINK_NOFOLLOW, into.data(), into.size());
        if (size >= 0 || (errno != ENOSYS && errno != EPERM)) return size;
        missing = true; // EPERM: an old seccomp profile
    }
    const std::string path = "/proc/self/fd/" + std::to_string(dir.get()) + "/" + name;
    return ::llistxattr(path.c_str(), into.data(), into.size());
}

} // namespace

Result<std::vector<std::string>> list_xattrs_at(BorrowedFd dir, const std::string& name) {
    std::string names(512, '\0');
    ssize_t size = list_xattrs(dir, name, names);
    if (size < 0 && errno == ERANGE) {
        names.resize(XATTR_LIST_MAX);
        size = list_xattrs(dir, name, names);
    }
    if (size < 0 && errno == EOPNOTSUPP) return std::vector<std::string>();
    if (size < 0) return Error::from_errno("llistxattr", name);
    std::vector<std::string> list;
    std::string_view left(names.data(), static_cast<size_t>(size));
    while (!left.empty()) {
        list.emplace_back(left.substr(0, left.find('\0')));
        left.remove_prefix(std::min(left.size(), list.back().size() + 1));
    }
    return list;
}

Result<void> rename_new(const std::string& from, const std::string& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0)
        return Error::from_errno("renameat2", from + " to " + to);
    return {};
}

Result<void> exchange_names(const std::string& one, const std::string& other) {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
        return Error::from_errno("renameat2", one + " and " + other);
    return {};
}

Result<DiskUse> disk_use(BorrowedFd fd) {
    struct statvfs st = {};
    if (retry([&] { return ::fstatvfs(fd.get(), &st); }) != 0) return Error::from_errno("fstatvfs");
    const uint64_t block = st.f_frsize;
    return DiskUse{
        .total = st.f_blocks * block, .used = (st.f_blocks - st.f_bfree) * block, .free = st.f_bavail * block};
}

} // namespace hull::sys
