#include "sys/resolve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/abi.h"
#include "sys/kernel_calls.h"
#include "sys/resolve_walk.h"
#include "sys/retry.h"

namespace hull::sys {

Result<UniqueFd> open_beneath(BorrowedFd root, const std::string& path, int flags, Links links, mode_t mode) {
    if (!kernel_has(Call::openat2)) return open_beneath_by_walking(root, path, flags, links, mode);
    abi::OpenHow how;
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = abi::resolve_in_root | abi::resolve_no_magiclinks;
    if (links == Links::refused) how.resolve |= abi::resolve_no_symlinks;
    // EAGAIN: something was renamed meanwhile and the kernel can't tell
    // whether ".." stayed inside; it asks to try again.
    for (int tries = 0;; ++tries) {
        long fd = retry([&] { return ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how); });
        if (fd >= 0) return UniqueFd(static_cast<int>(fd));
        if (errno != EAGAIN || tries == 1000) return Error::from_errno("openat2", path);
    }
}

namespace {

struct Split {
    std::string parent, name;
};

Split split(const std::string& path) {
    size_t end = path.find_last_not_of('/');
    if (end == path.npos) return {"/", ""};
    size_t slash = path.rfind('/', end);
    if (slash == path.npos) return {"/", path.substr(0, end + 1)};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1, end - slash)};
}

// A link at the end of the path that leads nowhere: openat2 says ENOENT and
// mkdirat EEXIST. Its target is made instead, as Docker does.
Result<std::string> dangling_target(BorrowedFd parent, const Split& at) {
    char text[4096];
    ssize_t n = ::readlinkat(parent.get(), at.name.c_str(), text, sizeof text);
    if (n < 0) return Error::from_errno("mkdir", at.parent + "/" + at.name, EEXIST);
    std::string target(text, static_cast<size_t>(n));
    if (target.empty() || target[0] != '/') target = at.parent + "/" + target;
    return target;
}

constexpr int max_links = 40;

Result<UniqueFd> make_folders(BorrowedFd root, const std::string& path, mode_t mode, int links) {
    auto there = open_beneath(root, path, O_PATH | O_DIRECTORY, Links::in_root);
    if (there.ok() || there.error().code() != ENOENT) return there;
    Split at = split(path);
    if (at.name.empty() || at.name == "..") return there;
    UniqueFd parent = TRY(make_folders(root, at.parent, mode, links));
    if (::mkdirat(parent.get(), at.name.c_str(), mode) != 0) {
        if (errno != EEXIST) return Error::from_errno("mkdir", path);
        auto again = open_beneath(root, path, O_PATH | O_DIRECTORY, Links::in_root);
        if (again.ok() || again.error().code() != ENOENT) return again;
        if (links >= max_links) return Error::from_errno("mkdir", path, ELOOP);
        std::string target = TRY(dangling_target(parent, at));
        return make_folders(root, target, mode, links + 1);
    }
    return open_beneath(parent, at.name, O_PATH | O_DIRECTORY, Links::refused);
}

Result<UniqueFd> make_file(BorrowedFd root, const std::string& path, mode_t mode, int links) {
    auto there = open_beneath(root, path, O_PATH, Links::in_root);
    if (there.ok() || there.error().code() != ENOENT) return there;
    Split at = split(path);
    UniqueFd parent = TRY(make_folders(root, at.parent, 0755, links));
    int fd = retry([&] {
        return ::openat(parent.get(), at.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    });
    if (fd < 0 && errno == EEXIST) {
        auto again = open_beneath(root, path, O_PATH, Links::in_root);
        if (again.ok() || again.error().code() != ENOENT) return again;
        if (links >= max_links) return Error::from_errno("create", path, ELOOP);
        std::string target = TRY(dangling_target(parent, at));
        return make_file(root, target, mode, links + 1);
    }
    if (fd < 0) return Error::from_errno("create", path);
    UniqueFd made(fd);
    return open_beneath(parent, at.name, O_PATH, Links::refused);
}

} // namespace

Result<UniqueFd> make_folders_beneath(BorrowedFd root, const std::string& path, mode_t mode) {
    return make_folders(root, path, mode, 0);
}

Result<UniqueFd> make_file_beneath(BorrowedFd root, const std::string& path, mode_t mode) {
    return make_file(root, path, mode, 0);
}

} // namespace hull::sys
