#include "store/volume_seed.h"

#include <algorithm>
#include <array>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/whiteout.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

constexpr const char* kOpaque = "trusted.overlay.opaque";
// What programs notice when it is missing.
constexpr std::array kAttributes = {"security.capability", "system.posix_acl_access", "system.posix_acl_default"};
constexpr unsigned kMaxDepth = 256;

// The same folder in several layers, topmost first: what overlayfs would merge.
using Stack = std::vector<UniqueFd>;

Result<bool> hides_what_is_below(BorrowedFd dir) {
    auto value = TRY(sys::get_xattr_at(dir, ".", kOpaque));
    return value && *value == "y";
}

// Owner, times, attributes and mode of an entry; chown clears set-uid bits, so
// the mode comes last.
Result<void> copy_attributes(BorrowedFd from_dir, const std::string& from, BorrowedFd to_dir, const std::string& to) {
    struct stat st = TRY(sys::stat_at(from_dir, from));
    TRY(sys::change_owner_at(to_dir, to, st.st_uid, st.st_gid));
    for (const char* name : kAttributes)
        if (auto value = TRY(sys::get_xattr_at(from_dir, from, name))) TRY(sys::set_xattr_at(to_dir, to, name, *value));
    if (!S_ISLNK(st.st_mode)) TRY(sys::change_mode_at(to_dir, to, st.st_mode & 07777));
    return sys::set_mtime_at(to_dir, to,
                             {.seconds = st.st_mtim.tv_sec, .ns = static_cast<uint32_t>(st.st_mtim.tv_nsec)});
}

Result<void> copy_file(BorrowedFd from_dir, BorrowedFd to_dir, const std::string& name) {
    UniqueFd from = TRY(sys::openat(from_dir, name, O_RDONLY | O_NOFOLLOW));
    UniqueFd to = TRY(sys::openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    uint64_t length = TRY(sys::file_length(from));
    TRY(sys::truncate(to, length)); // keeps holes
    std::vector<char> chunk(size_t{256} << 10);
    for (uint64_t at = 0; at < length;) {
        size_t got = TRY(sys::read_at(from, at, chunk));
        if (got == 0) break;
        std::string_view data(chunk.data(), got);
        bool hole = data.find_first_not_of('\0') == std::string_view::npos;
        if (!hole) TRY(sys::write_all_at(to, data, at));
        at += got;
    }
    return {};
}

Result<void> copy_tree(const Stack& stack, BorrowedFd target, unsigned depth);

// name, which the layer at index shows, and perhaps folders of the same name below.
Result<void> copy_entry(const Stack& stack, size_t index, const std::string& name, const struct stat& st,
                        BorrowedFd target, unsigned depth) {
    const UniqueFd& from = stack[index];
    if (S_ISDIR(st.st_mode)) {
        Stack below;
        for (size_t i = index; i < stack.size(); ++i) {
            auto one = sys::openat(stack[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (!one.ok()) {
                if (one.error().code() == ENOENT) continue;
                break; // a file or a whiteout hides the rest
            }
            bool last = TRY(hides_what_is_below(*one));
            below.push_back(std::move(*one));
            if (last) break;
        }
        TRY(sys::make_dir_at(target, name, 0700));
        UniqueFd inner = TRY(sys::openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        TRY(copy_tree(below, inner, depth + 1));
    } else if (S_ISREG(st.st_mode)) {
        TRY(copy_file(from, target, name));
    } else if (S_ISLNK(st.st_mode)) {
        TRY(sys::make_symlink_at(target, name, TRY(sys::read_link_at(from, name))));
    } else {
        TRY(sys::make_node_at(target, name, st.st_mode, major(st.st_rdev), minor(st.st_rdev)));
    }
    return copy_attributes(from, name, target, name);
}

Result<void> copy_tree(const Stack& stack, BorrowedFd target, unsigned depth) {
    if (depth > kMaxDepth) return Error(ErrorKind::too_large, "folders are nested too deeply");
    std::set<std::string> seen;
    for (size_t i = 0; i < stack.size(); ++i) {
        for (const std::string& name : TRY(sys::names_in(stack[i]))) {
            if (!seen.insert(name).second) continue;
            struct stat st = TRY(sys::stat_at(stack[i], name));
            if (is_whiteout(st)) continue;
            TRY(copy_entry(stack, i, name, st, target, depth).context(name));
        }
    }
    return {};
}

// The folder at path in each layer that has it, down to one that hides the rest.
Result<Stack> open_stack(const std::vector<std::string>& lower, const std::string& path) {
    Stack stack;
    for (const std::string& layer : lower) {
        UniqueFd root = TRY(sys::open(layer, O_PATH | O_DIRECTORY));
        auto dir = sys::open_beneath(root, path, O_RDONLY | O_DIRECTORY, sys::Links::in_root);
        if (dir.ok()) {
            bool last = TRY(hides_what_is_below(*dir));
            stack.push_back(std::move(*dir));
            if (last) break;
            continue;
        }
        // Something else is there, a whiteout perhaps: nothing below shows.
        if (dir.error().code() == ENOTDIR) break;
        if (dir.error().code() != ENOENT) return std::move(dir).error();
        // A folder on the way may be opaque or gone.
        std::string prefix;
        bool hidden = false;
        for (size_t at = 1; at != std::string::npos && !hidden;) {
            at = path.find('/', at);
            prefix = path.substr(0, at);
            if (at != std::string::npos) ++at;
            auto above = sys::open_beneath(root, prefix, O_RDONLY | O_DIRECTORY, sys::Links::in_root);
            if (!above.ok()) {
                hidden = above.error().code() == ENOTDIR;
                break;
            }
            hidden = TRY(hides_what_is_below(*above));
        }
        if (hidden) break;
    }
    return stack;
}

} // namespace

Result<void> seed_volume(const std::vector<std::string>& lower, const std::string& path, const std::string& target) {
    auto doing = [&] { return "copy what the image has at " + path; };
    Stack stack = TRY(open_stack(lower, path).context(doing));
    if (stack.empty()) return {};
    UniqueFd into = TRY(sys::open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(copy_tree(stack, into, 0).context(doing));
    return copy_attributes(stack.front(), ".", into, ".").context(doing);
}

} // namespace hull::store
