// What makes it safe beside somebody who renames: every part is opened from the
// descriptor of the one before with O_NOFOLLOW, a link's text is read from the
// link's own descriptor, and ".." goes back to the descriptor we came from, never
// to what the kernel thinks lies above. So nothing but names below root is ever
// looked up. A folder that was moved out of root while we stood in it shows by
// its path in the end; then the walk is done again.

#include "sys/resolve_walk.h"

#include <array>
#include <climits>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/own_proc.h"
#include "sys/retry.h"

namespace hull::sys {

namespace {

constexpr int most_links = 40; // as the kernel has it
constexpr int most_tries = 1000;
constexpr ino_t procfs_root = 1; // PROC_ROOT_INO

class Walk {
public:
    Walk(BorrowedFd root, const std::string& path, Links links) : root_(root), path_(path), links_(links) {}
    Result<UniqueFd> run(int flags, mode_t mode);

private:
    struct Part {
        std::string name; // empty: the path ends at the folder where we stand
        bool last = false;
    };
    BorrowedFd here() const { return above_.empty() ? root_ : above_.back().borrow(); }
    Error failed(int code) const { return Error::from_errno("open", path_, code); }
    Part next();
    Result<void> enter(const std::string& name);
    Result<void> follow(BorrowedFd link);
    // An invalid descriptor: it was a link, which is followed now.
    Result<UniqueFd> open_last(const std::string& name, int flags, mode_t mode);

    BorrowedFd root_;
    const std::string& path_;
    Links links_;
    std::string rest_;
    std::vector<UniqueFd> above_; // the folders between root and here, in order
    int followed_ = 0;
};

Walk::Part Walk::next() {
    size_t begin = rest_.find_first_not_of('/');
    if (begin == rest_.npos) return {"", true};
    size_t end = std::min(rest_.find('/', begin), rest_.size());
    Part part{rest_.substr(begin, end - begin), end == rest_.size()};
    rest_.erase(0, end);
    return part;
}

bool is_link(BorrowedFd fd) {
    struct stat info{};
    return ::fstat(fd.get(), &info) == 0 && S_ISLNK(info.st_mode);
}

// Links of a process's folder lead to open files, whatever their text says.
bool may_be_magic(BorrowedFd link, BorrowedFd folder) {
    struct statfs fs{};
    struct stat info{};
    if (::fstatfs(link.get(), &fs) != 0 || ::fstat(folder.get(), &info) != 0) return true;
    return fs.f_type == PROC_SUPER_MAGIC && info.st_ino != procfs_root;
}

Result<void> Walk::follow(BorrowedFd link) {
    if (links_ == Links::refused || ++followed_ > most_links || may_be_magic(link, here())) return failed(ELOOP);
    std::array<char, PATH_MAX> text{};
    ssize_t n = ::readlinkat(link.get(), "", text.data(), text.size());
    if (n < 0) return failed(errno);
    if (n == 0) return failed(ENOENT);
    if (text[0] == '/') above_.clear();
    rest_.insert(0, text.data(), static_cast<size_t>(n));
    if (rest_.size() > 2 * PATH_MAX) return failed(ENAMETOOLONG);
    return {};
}

Result<void> Walk::enter(const std::string& name) {
    UniqueFd fd(::openat(here().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return failed(errno);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return failed(errno);
    if (S_ISLNK(info.st_mode)) return follow(fd);
    if (!S_ISDIR(info.st_mode)) return failed(ENOTDIR);
    above_.push_back(std::move(fd));
    return {};
}

Result<UniqueFd> Walk::open_last(const std::string& name, int flags, mode_t mode) {
    UniqueFd fd(static_cast<int>(
        retry([&] { return ::openat(here().get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode); })));
    int code = fd ? 0 : errno;
    bool wants_link = flags & O_NOFOLLOW;
    if (wants_link || (fd && (!(flags & O_PATH) || !is_link(fd)))) {
        if (fd) return fd;
        return failed(code);
    }
    // ELOOP, or ENOTDIR with O_DIRECTORY: it may be a link, and those are followed.
    if (!fd && code != ELOOP && code != ENOTDIR) return failed(code);
    if (!fd) {
        fd.reset(::openat(here().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!fd || !is_link(fd)) return failed(fd ? code : errno);
    }
    TRY(follow(fd));
    return UniqueFd();
}

Result<UniqueFd> Walk::run(int flags, mode_t mode) {
    if (path_.empty()) return failed(ENOENT);
    rest_ = path_;
    for (;;) {
        Part part = next();
        if (part.name == ".") part.name.clear();
        if (part.name == "..") {
            if (!above_.empty()) above_.pop_back();
            part.name.clear();
        }
        if (part.name.empty()) {
            if (!part.last) continue;
            UniqueFd fd(static_cast<int>(retry([&] { return ::openat(here().get(), ".", flags | O_CLOEXEC, mode); })));
            if (!fd) return failed(errno);
            return fd;
        }
        if (!part.last) {
            TRY(enter(part.name));
            continue;
        }
        UniqueFd fd = TRY(open_last(part.name, flags, mode));
        if (fd) return fd;
    }
}

enum class Where : unsigned char { inside, moved, unknown };

Where place_of(BorrowedFd fd, BorrowedFd root) {
    auto outer = path_of(root);
    auto inner = path_of(fd);
    // No procfs, or one that doesn't show this process.
    if (!outer.ok()) return outer.error().kind() == ErrorKind::not_found ? Where::unknown : Where::moved;
    if (!inner.ok()) return Where::moved;
    std::string_view prefix = *outer;
    if (prefix == "/") return Where::inside;
    bool below = inner->starts_with(prefix) && (inner->size() == prefix.size() || (*inner)[prefix.size()] == '/');
    return below ? Where::inside : Where::moved;
}

} // namespace

Result<UniqueFd> open_beneath_by_walking(BorrowedFd root, const std::string& path, int flags, Links links,
                                         mode_t mode) {
    for (int tries = 0; tries < most_tries; ++tries) {
        UniqueFd fd = TRY(Walk(root, path, links).run(flags, mode));
        if (place_of(fd, root) != Where::moved) return fd;
    }
    return Error::from_errno("open", path, EAGAIN);
}

} // namespace hull::sys
