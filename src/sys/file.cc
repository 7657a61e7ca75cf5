#include "sys/file.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

#include "base/random.h"
#include "sys/directory.h"
#include "sys/retry.h"

namespace hull::sys {

Result<UniqueFd> open(const std::string& path, int flags, mode_t mode) {
    int fd = retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0) return Error::from_errno("open", path);
    return UniqueFd(fd);
}

Result<UniqueFd> openat(BorrowedFd dir, const std::string& path, int flags, mode_t mode) {
    int fd = retry([&] { return ::openat(dir.get(), path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0) return Error::from_errno("openat", path);
    return UniqueFd(fd);
}

Result<size_t> read(BorrowedFd fd, std::span<char> into) {
    ssize_t n = retry([&] { return ::read(fd.get(), into.data(), into.size()); });
    if (n < 0) return Error::from_errno("read");
    return static_cast<size_t>(n);
}

Result<void> write_all(BorrowedFd fd, std::string_view data) {
    while (!data.empty()) {
        ssize_t n = retry([&] { return ::write(fd.get(), data.data(), data.size()); });
        if (n < 0) return Error::from_errno("write");
        data.remove_prefix(static_cast<size_t>(n));
    }
    return {};
}

namespace {

Result<std::string> read_all(BorrowedFd fd, const std::string& path, size_t limit) {
    std::string out;
    struct stat st{};
    size_t guess = fstat(fd.get(), &st) == 0 && st.st_size > 0 ? static_cast<size_t>(st.st_size) + 1 : 4096;
    size_t used = 0;
    for (;;) {
        if (out.size() == used) out.resize(used == 0 ? std::min(guess, limit + 1) : std::min(used * 2, limit + 1));
        ssize_t n = retry([&] { return ::read(fd.get(), out.data() + used, out.size() - used); });
        if (n < 0) return Error::from_errno("read", path);
        if (n == 0) break;
        used += static_cast<size_t>(n);
        if (used > limit)
            return Error(ErrorKind::too_large, "read " + path + ": more than " + std::to_string(limit) + " bytes");
    }
    out.resize(used);
    return out;
}

Result<void> write_once(BorrowedFd fd, const std::string& path, std::string_view data) {
    ssize_t n = retry([&] { return ::write(fd.get(), data.data(), data.size()); });
    if (n < 0) return Error::from_errno("write", path);
    if (static_cast<size_t>(n) != data.size())
        return Error(ErrorKind::system, "write " + path + ": only " + std::to_string(n) + " of " +
                                            std::to_string(data.size()) + " bytes were taken");
    return {};
}

} // namespace

Result<std::string> read_file(const std::string& path, size_t limit) {
    UniqueFd fd = TRY(open(path, O_RDONLY));
    return read_all(fd, path, limit);
}

Result<std::string> read_file_at(BorrowedFd dir, const std::string& path, size_t limit) {
    UniqueFd fd = TRY(openat(dir, path, O_RDONLY));
    return read_all(fd, path, limit);
}

Result<void> write_existing(const std::string& path, std::string_view data) {
    UniqueFd fd = TRY(open(path, O_WRONLY));
    return write_once(fd, path, data);
}

Result<void> write_existing_at(BorrowedFd dir, const std::string& path, std::string_view data) {
    UniqueFd fd = TRY(openat(dir, path, O_WRONLY));
    return write_once(fd, path, data);
}

Result<void> replace_file(const std::string& path, std::string_view data, mode_t mode, Durability durability) {
    std::string temporary = path + ".tmp-" + random_hex(8);
    auto write = [&]() -> Result<void> {
        UniqueFd fd = TRY(open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
        TRY(write_all(fd, data).context("write " + temporary));
        if (durability == Durability::power_loss) TRY(fsync(fd));
        TRY(rename(temporary, path));
        if (durability == Durability::power_loss) {
            size_t slash = path.rfind('/');
            UniqueFd dir = TRY(open(slash == path.npos ? "." : path.substr(0, slash + 1), O_RDONLY | O_DIRECTORY));
            TRY(fsync(dir));
        }
        return {};
    };
    auto result = write();
    if (!result.ok()) ::unlink(temporary.c_str());
    return result;
}

Result<void> mkdir(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0) return Error::from_errno("mkdir", path);
    return {};
}

Result<void> mkdir_parents(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return {};
    if (errno == ENOENT) {
        size_t slash = path.find_last_of('/', path.find_last_not_of('/'));
        if (slash == path.npos || slash == 0) return Error::from_errno("mkdir", path, ENOENT);
        TRY(mkdir_parents(path.substr(0, slash), mode));
        if (::mkdir(path.c_str(), mode) == 0) return {};
    }
    int code = errno;
    struct stat st{};
    if (code == EEXIST && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    return Error::from_errno("mkdir", path, code);
}

Result<void> rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return Error::from_errno("rename", from + " to " + to);
    return {};
}

Result<void> chmod(const std::string& path, mode_t mode) {
    if (::chmod(path.c_str(), mode) != 0) return Error::from_errno("chmod", path);
    return {};
}

Result<void> unlink(const std::string& path) {
    if (::unlink(path.c_str()) != 0) return Error::from_errno("unlink", path);
    return {};
}

namespace {

bool is_dot(const char* name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

Result<void> remove_in(int parent, const char* name, dev_t device, const std::string& path,
                       const std::atomic<bool>* stop) {
    if (stop && *stop) return Error(ErrorKind::cancelled, "remove " + path + ": stopped");
    if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return Error::from_errno("unlink", path);
    int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? Result<void>{} : Error::from_errno("open", path);
    OpenDir dir(::fdopendir(fd));
    if (!dir) {
        ::close(fd);
        return Error::from_errno("fdopendir", path);
    }
    struct stat st{};
    if (::fstat(fd, &st) != 0) return Error::from_errno("fstat", path);
    if (st.st_dev != device)
        return Error(ErrorKind::conflict, "remove " + path + ": something is mounted there; unmount it first");
    while (dirent* entry = ::readdir(dir.get())) {
        if (is_dot(entry->d_name)) continue;
        TRY(remove_in(fd, entry->d_name, device, path + "/" + entry->d_name, stop));
    }
    if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return Error::from_errno("rmdir", path);
    return {};
}

} // namespace

Result<void> remove_tree(const std::string& path, const std::atomic<bool>* stop) {
    struct stat st{};
    if (::lstat(path.c_str(), &st) != 0) return errno == ENOENT ? Result<void>{} : Error::from_errno("lstat", path);
    return remove_in(AT_FDCWD, path.c_str(), st.st_dev, path, stop);
}

Result<std::vector<std::string>> list_dir(const std::string& path) {
    OpenDir dir(::opendir(path.c_str()));
    if (!dir) return Error::from_errno("opendir", path);
    std::vector<std::string> names;
    errno = 0;
    while (dirent* entry = ::readdir(dir.get())) {
        if (!is_dot(entry->d_name)) names.emplace_back(entry->d_name);
    }
    if (errno != 0) return Error::from_errno("readdir", path);
    return names;
}

// Not faccessat: with a flag that is faccessat2, which sandboxes may refuse.
bool exists(const std::string& path) {
    struct stat st{};
    return ::lstat(path.c_str(), &st) == 0;
}

Result<void> may_execute(const std::string& path) {
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return {};
    // No file says EPERM to X_OK: that is a sandbox without faccessat2 (Linux
    // 5.8). The real ids will do, and in the end exec itself says no.
    if (errno == EPERM && ::access(path.c_str(), X_OK) == 0) return {};
    return Error::from_errno("access", path);
}

bool may_write(const std::string& path) { return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0; }

Result<struct stat> stat(const std::string& path) {
    struct stat st{};
    if (::stat(path.c_str(), &st) != 0) return Error::from_errno("stat", path);
    return st;
}

Result<struct stat> lstat(const std::string& path) {
    struct stat st{};
    if (::lstat(path.c_str(), &st) != 0) return Error::from_errno("lstat", path);
    return st;
}

Result<std::string> readlink(const std::string& path) {
    std::array<char, 4096> buffer{};
    ssize_t n = ::readlink(path.c_str(), buffer.data(), buffer.size());
    if (n < 0) return Error::from_errno("readlink", path);
    return std::string(buffer.data(), static_cast<size_t>(n));
}

Result<int> access_mode(BorrowedFd fd) {
    int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0) return Error::from_errno("fcntl", "F_GETFL");
    return flags & O_ACCMODE;
}

Result<void> fsync(BorrowedFd fd) {
    if (retry([&] { return ::fsync(fd.get()); }) != 0) return Error::from_errno("fsync");
    return {};
}

} // namespace hull::sys
