#include "store/tree_copy.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

constexpr size_t kDeepestCopy = 512; // two descriptors each
constexpr size_t kCopyChunk = size_t{1} << 20;

bool lost_meanwhile(const Error& error) {
    return error.code() == ENOENT || error.code() == ENOTDIR || error.code() == ELOOP || error.code() == ENXIO;
}

struct CopyLevel {
    UniqueFd from, into;
    std::string path; // with "/" at its end; empty: the top
    struct stat st = {};
    std::vector<std::string> names;
    size_t next = 0;
};

class TreeCopier {
public:
    explicit TreeCopier(BorrowedFd into) : top_(into) {}

    Result<CopiedTree> run(BorrowedFd from) {
        TRY(enter(from, ".", top_, ".", ""));
        if (levels_.empty()) return Error(ErrorKind::not_found, "the folder to copy is gone");
        while (!levels_.empty()) {
            CopyLevel& level = levels_.back();
            if (level.next == level.names.size()) {
                // Its time last: what was made in it changed that.
                TRY(copy_settings(level.from, ".", level.into, ".", level.st).context(level.path));
                levels_.pop_back();
                continue;
            }
            const std::string name = std::move(level.names[level.next++]);
            auto st = sys::stat_at(level.from, name);
            if (!st.ok() && lost_meanwhile(st.error())) continue;
            if (!st.ok()) return std::move(st).error().context(level.path);
            const std::string path = level.path + name;
            TRY(copy_entry(level, name, path, *st).context(path));
        }
        return done_;
    }

private:
    Result<void> copy_entry(CopyLevel& level, const std::string& name, const std::string& path, const struct stat& st) {
        ++done_.files;
        if (S_ISDIR(st.st_mode)) {
            TRY(sys::make_dir_at(level.into, name, 0700));
            // Copies: entering moves the levels.
            const BorrowedFd from = level.from, into = level.into;
            const bool mounted = st.st_dev != level.st.st_dev;
            if (mounted) return copy_settings(from, name, into, name, st);
            return enter(from, name, into, name, path + "/");
        }
        if (st.st_nlink > 1) {
            auto [first, fresh] = linked_.try_emplace({st.st_dev, st.st_ino}, path);
            if (!fresh) return sys::make_link_at(top_, first->second, level.into, name);
        }
        if (S_ISREG(st.st_mode)) {
            if (TRY(copy_contents(level, name))) return copy_settings(level.from, name, level.into, name, st);
            linked_.erase({st.st_dev, st.st_ino});
            return {};
        }
        if (S_ISLNK(st.st_mode)) {
            auto target = sys::read_link_at(level.from, name);
            if (!target.ok() && (lost_meanwhile(target.error()) || target.error().code() == EINVAL)) return {};
            TRY(sys::make_symlink_at(level.into, name, TRY(std::move(target))));
        } else {
            TRY(sys::make_node_at(level.into, name, (st.st_mode & S_IFMT) | 0600, major(st.st_rdev),
                                  minor(st.st_rdev)));
        }
        return copy_settings(level.from, name, level.into, name, st);
    }

    Result<void> enter(BorrowedFd from, const std::string& name, BorrowedFd into, const std::string& as,
                       std::string path) {
        if (levels_.size() >= kDeepestCopy) return Error(ErrorKind::too_large, "folders are nested too deeply");
        auto opened = sys::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!opened.ok() && lost_meanwhile(opened.error())) return {};
        CopyLevel level;
        level.from = TRY(std::move(opened));
        level.into = TRY(sys::openat(into, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        level.st = TRY(sys::stat_fd(level.from));
        level.names = TRY(sys::names_in(level.from));
        level.path = std::move(path);
        levels_.push_back(std::move(level));
        return {};
    }

    // False: it is gone.
    Result<bool> copy_contents(CopyLevel& level, const std::string& name) {
        auto from = sys::openat(level.from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (!from.ok() && lost_meanwhile(from.error())) return false;
        if (!from.ok()) return std::move(from).error();
        if (!S_ISREG(TRY(sys::stat_fd(*from)).st_mode)) return false; // replaced since it was listed
        UniqueFd into = TRY(sys::openat(level.into, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
        const uint64_t length = TRY(sys::file_length(*from));
        done_.bytes += length;
        if (length == 0 || (may_share_ && TRY(sys::share_blocks(*from, into)))) return true;
        may_share_ = false;               // one file system says the same of each file
        TRY(sys::truncate(into, length)); // keeps the holes
        buffer_.resize(kCopyChunk);
        for (uint64_t at = 0; at < length;) {
            auto extent = TRY(sys::next_data(*from, at));
            if (!extent) break;
            const uint64_t end = std::min(length, extent->offset + extent->length);
            for (at = extent->offset; at < end;) {
                const size_t want = std::min<uint64_t>(end - at, buffer_.size());
                const size_t got = TRY(sys::read_at(*from, at, std::span(buffer_).first(want)));
                if (got == 0) return true; // cut short meanwhile
                TRY(sys::write_all_at(into, std::string_view(buffer_.data(), got), at));
                at += got;
            }
        }
        return true;
    }

    // Owner first: that clears set-uid bits and capabilities. A mode by chmod would
    // change the mask of an access list, so it comes before the attributes.
    static Result<void> copy_settings(BorrowedFd from, const std::string& name, BorrowedFd into, const std::string& as,
                                      const struct stat& st) {
        TRY(sys::change_owner_at(into, as, st.st_uid, st.st_gid));
        if (!S_ISLNK(st.st_mode)) TRY(sys::change_mode_at(into, as, st.st_mode & 07777));
        auto names = sys::list_xattrs_at(from, name);
        if (!names.ok() && !lost_meanwhile(names.error())) return std::move(names).error();
        if (names.ok()) {
            for (const std::string& attribute : *names) {
                auto value = sys::get_xattr_at(from, name, attribute);
                if (!value.ok() && lost_meanwhile(value.error())) break;
                if (auto copied = TRY(std::move(value))) TRY(sys::set_xattr_at(into, as, attribute, *copied));
            }
        }
        return sys::set_mtime_at(into, as,
                                 {.seconds = st.st_mtim.tv_sec, .ns = static_cast<uint32_t>(st.st_mtim.tv_nsec)});
    }

    BorrowedFd top_;
    std::vector<CopyLevel> levels_;
    std::map<std::pair<uint64_t, uint64_t>, std::string> linked_; // device and inode: path in the copy
    std::vector<char> buffer_;
    bool may_share_ = true;
    CopiedTree done_;
};

} // namespace

Result<CopiedTree> copy_whole_tree(BorrowedFd from, BorrowedFd into) { return TreeCopier(into).run(from); }

Result<CopiedTree> copy_folder(const std::string& from, const std::string& into) {
    UniqueFd source = TRY(open_folder(from));
    UniqueFd target = TRY(open_folder(into));
    return copy_whole_tree(source, target);
}

Result<UniqueFd> open_folder(const std::string& path) { return sys::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW); }

} // namespace hull::store
