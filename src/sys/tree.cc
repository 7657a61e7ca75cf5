#include "sys/tree.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys/directory.h"
#include "sys/retry.h"

namespace hull::sys {

namespace {

Result<void> check(int code, const char* syscall, std::string_view name) {
    if (code != 0) return Error::from_errno(syscall, name);
    return {};
}

std::array<timespec, 2> both(Timestamp time) {
    timespec value{.tv_sec = time.seconds, .tv_nsec = static_cast<long>(time.ns)};
    return {value, value};
}

// There is no ...at() for extended attributes before Linux 6.13; through /proc
// the folder's descriptor does as well, and the last name isn't followed.
std::string through_proc(BorrowedFd dir, const std::string& name) {
    return "/proc/self/fd/" + std::to_string(dir.get()) + "/" + name;
}

} // namespace

Result<void> make_dir_at(BorrowedFd dir, const std::string& name, mode_t mode) {
    return check(::mkdirat(dir.get(), name.c_str(), mode), "mkdir", name);
}

Result<void> make_node_at(BorrowedFd dir, const std::string& name, mode_t mode, unsigned major, unsigned minor) {
    return check(::mknodat(dir.get(), name.c_str(), mode, makedev(major, minor)), "mknod", name);
}

Result<void> make_symlink_at(BorrowedFd dir, const std::string& name, const std::string& target) {
    return check(::symlinkat(target.c_str(), dir.get(), name.c_str()), "symlink", name);
}

Result<void> make_link_at(BorrowedFd from_dir, const std::string& from, BorrowedFd dir, const std::string& name) {
    return check(::linkat(from_dir.get(), from.c_str(), dir.get(), name.c_str(), 0), "link", name);
}

Result<void> unlink_at(BorrowedFd dir, const std::string& name) {
    return check(::unlinkat(dir.get(), name.c_str(), 0), "unlink", name);
}

namespace {

// Whether name is a folder; anything else is gone afterwards.
Result<bool> unlink_unless_folder(BorrowedFd dir, const std::string& name) {
    if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) return false;
    if (errno != EISDIR && errno != EPERM) return Error::from_errno("unlink", name);
    return true;
}

struct Emptied {
    UniqueFd dir;
    std::string name; // in the folder above
    std::vector<std::string> names;
};

} // namespace

// Not recursive: others decide how deep the tree is.
Result<void> remove_tree_at(BorrowedFd dir, const std::string& name) {
    constexpr size_t max_open = 1024;
    bool folder = TRY(unlink_unless_folder(dir, name));
    if (!folder) return {};
    std::vector<Emptied> levels;
    auto enter = [&](BorrowedFd parent, const std::string& child) -> Result<void> {
        if (levels.size() == max_open) return Error(ErrorKind::too_large, "folders are nested too deeply");
        int raw = ::openat(parent.get(), child.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (raw < 0) return errno == ENOENT ? Result<void>{} : Error::from_errno("open", child);
        UniqueFd fd(raw);
        auto names = TRY(names_in(fd));
        levels.push_back({std::move(fd), child, std::move(names)});
        return {};
    };
    TRY(enter(dir, name));
    while (!levels.empty()) {
        Emptied& level = levels.back();
        if (level.names.empty()) {
            std::string own = std::move(level.name);
            levels.pop_back();
            BorrowedFd above = levels.empty() ? dir : BorrowedFd(levels.back().dir);
            if (::unlinkat(above.get(), own.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
                return Error::from_errno("rmdir", own);
            continue;
        }
        std::string child = std::move(level.names.back());
        level.names.pop_back();
        BorrowedFd parent = level.dir;
        bool inner = TRY(unlink_unless_folder(parent, child));
        if (inner) TRY(enter(parent, child));
    }
    return {};
}

Result<struct stat> stat_at(BorrowedFd dir, const std::string& name) {
    struct stat st{};
    TRY(check(::fstatat(dir.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW), "fstatat", name));
    return st;
}

Result<struct stat> stat_fd(BorrowedFd fd) {
    struct stat st{};
    if (::fstat(fd.get(), &st) != 0) return Error::from_errno("fstat");
    return st;
}

Result<std::string> read_link_at(BorrowedFd dir, const std::string& name) {
    std::array<char, 4096> buffer{};
    ssize_t n = ::readlinkat(dir.get(), name.c_str(), buffer.data(), buffer.size());
    if (n < 0) return Error::from_errno("readlink", name);
    return std::string(buffer.data(), static_cast<size_t>(n));
}

Result<std::vector<std::string>> names_in(BorrowedFd dir, Order order) {
    // A descriptor of its own: reading moves the offset, and dir may be O_PATH.
    int fd = ::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return Error::from_errno("open");
    OpenDir stream(::fdopendir(fd));
    if (!stream) {
        int code = errno;
        ::close(fd);
        return Error::from_errno("fdopendir", code);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return Error::from_errno("readdir");
    if (order == Order::by_name) std::sort(names.begin(), names.end());
    return names;
}

Result<void> change_owner_at(BorrowedFd dir, const std::string& name, uid_t uid, gid_t gid) {
    return check(::fchownat(dir.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW), "fchownat", name);
}

Result<void> change_owner(BorrowedFd fd, uid_t uid, gid_t gid) {
    if (::fchown(fd.get(), uid, gid) != 0) return Error::from_errno("fchown");
    return {};
}

Result<void> change_mode_at(BorrowedFd dir, const std::string& name, mode_t mode) {
    // fchmodat follows links; the descriptor of what stands there does not.
    int raw = ::openat(dir.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (raw < 0) return Error::from_errno("open", name);
    UniqueFd fd(raw);
    std::string path = "/proc/self/fd/" + std::to_string(raw);
    return check(::chmod(path.c_str(), mode), "chmod", name);
}

Result<void> change_mode(BorrowedFd fd, mode_t mode) {
    if (::fchmod(fd.get(), mode) != 0) return Error::from_errno("fchmod");
    return {};
}

Result<void> set_mtime_at(BorrowedFd dir, const std::string& name, Timestamp mtime) {
    auto times = both(mtime);
    return check(::utimensat(dir.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW), "utimensat", name);
}

Result<void> set_mtime(BorrowedFd fd, Timestamp mtime) {
    auto times = both(mtime);
    if (::futimens(fd.get(), times.data()) != 0) return Error::from_errno("futimens");
    return {};
}

Result<void> set_xattr_at(BorrowedFd dir, const std::string& name, const std::string& attribute,
                          std::string_view value) {
    std::string path = through_proc(dir, name);
    return check(::lsetxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0), "lsetxattr",
                 name + " " + attribute);
}

Result<void> set_xattr(BorrowedFd fd, const std::string& attribute, std::string_view value) {
    return check(::fsetxattr(fd.get(), attribute.c_str(), value.data(), value.size(), 0), "fsetxattr", attribute);
}

namespace {

struct XattrArgs { // linux/xattr.h of 6.13
    alignas(8) uint64_t value;
    uint32_t size, flags;
};

// getxattrat(2), which needs no path through /proc. -1 with ENOSYS before Linux 6.13, and for ever after.
ssize_t get_xattr_beside(BorrowedFd dir, const char* name, const char* attribute, std::span<char> into) {
    constexpr long getxattrat = 464;
    static std::atomic<bool> missing{false};
    if (*name == '\0' || missing) {
        errno = ENOSYS;
        return -1;
    }
    XattrArgs args{reinterpret_cast<uintptr_t>(into.data()), static_cast<uint32_t>(into.size()), 0};
    const ssize_t n = ::syscall(getxattrat, dir.get(), name, AT_SYMLINK_NOFOLLOW, attribute, &args, sizeof args);
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) { // EPERM: an old seccomp profile
        missing = true;
        errno = ENOSYS;
    }
    return n;
}

} // namespace

Result<std::optional<std::string>> get_xattr_at(BorrowedFd dir, const std::string& name, const std::string& attribute) {
    std::array<char, 64> few;
    const ssize_t got = get_xattr_beside(dir, name.c_str(), attribute.c_str(), few);
    if (got >= 0) return std::optional(std::string(few.data(), static_cast<size_t>(got)));
    if (errno == ENODATA || errno == EOPNOTSUPP) return std::optional<std::string>();
    if (errno != ENOSYS && errno != ERANGE) return Error::from_errno("getxattrat", name);
    std::string path = through_proc(dir, name);
    std::string value(256, '\0');
    for (;;) {
        ssize_t n = ::lgetxattr(path.c_str(), attribute.c_str(), value.data(), value.size());
        if (n >= 0) {
            value.resize(static_cast<size_t>(n));
            return std::optional(std::move(value));
        }
        if (errno == ENODATA || errno == EOPNOTSUPP) return std::optional<std::string>();
        if (errno != ERANGE || value.size() >= XATTR_SIZE_MAX) return Error::from_errno("lgetxattr", name);
        value.resize(XATTR_SIZE_MAX);
    }
}

Result<void> rewind(BorrowedFd fd) {
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) return Error::from_errno("lseek");
    return {};
}

Result<void> write_all_at(BorrowedFd fd, std::string_view data, uint64_t offset) {
    while (!data.empty()) {
        ssize_t n = retry([&] { return ::pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(offset)); });
        if (n < 0) return Error::from_errno("pwrite");
        data.remove_prefix(static_cast<size_t>(n));
        offset += static_cast<uint64_t>(n);
    }
    return {};
}

void start_writeback(BorrowedFd fd) {
    // Only a hint: what matters is sync_file_system() afterwards.
    (void)::sync_file_range(fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

Result<void> sync_file_system(BorrowedFd fd) {
    if (retry([&] { return ::syncfs(fd.get()); }) != 0) return Error::from_errno("syncfs");
    return {};
}

Result<UniqueFd> lock_file(const std::string& path) {
    int raw = retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); });
    if (raw < 0) return Error::from_errno("open", path);
    UniqueFd fd(raw);
    if (retry([&] { return ::flock(raw, LOCK_EX | LOCK_NB); }) != 0) {
        if (errno == EWOULDBLOCK) return Error(ErrorKind::conflict, path + " is locked by another process");
        return Error::from_errno("flock", path);
    }
    return fd;
}

Result<bool> try_lock(BorrowedFd fd, Sharing sharing) {
    int how = sharing == Sharing::shared ? LOCK_SH : LOCK_EX;
    if (retry([&] { return ::flock(fd.get(), how | LOCK_NB); }) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return Error::from_errno("flock");
}

} // namespace hull::sys
