#include "store/tree_changes.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <fcntl.h>

#include "store/merged_folder.h"
#include "store/tree_packer.h"
#include "store/whiteout.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr size_t max_nested = 512;
constexpr size_t compare_bytes = size_t{64} << 10;

// Places where the engine makes something to mount on, in the writable layer.
// Docker has them in a layer of their own below.
constexpr auto stubs = std::to_array<std::string_view>({
    "/.dockerenv",
    "/dev",
    "/dev/console",
    "/dev/mqueue",
    "/dev/pts",
    "/dev/shm",
    "/etc",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/proc",
    "/sbin/docker-init",
    "/sys",
    "/sys/fs/cgroup",
});

bool may_be_stub(const std::string& path, const struct stat& st) {
    if (!std::ranges::binary_search(stubs, path)) return false;
    return S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

bool vanished(const Error& error) {
    return error.kind() == ErrorKind::not_found || error.code() == ENOENT || error.code() == ENOTDIR ||
           error.code() == ELOOP;
}

// Gone meanwhile: the same.
Result<bool> same_contents(BorrowedFd a_dir, const std::string& a, BorrowedFd b_dir, const std::string& b) {
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    auto one = sys::openat(a_dir, a, flags), other = sys::openat(b_dir, b, flags);
    if (!one.ok() || !other.ok()) return true;
    std::string ours(compare_bytes, '\0'), theirs(compare_bytes, '\0');
    for (uint64_t at = 0;;) {
        size_t n = TRY(sys::read_at(*one, at, ours));
        size_t m = TRY(sys::read_at(*other, at, theirs));
        if (std::string_view(ours).substr(0, n) != std::string_view(theirs).substr(0, m)) return false;
        if (n == 0) return true;
        at += n;
    }
}

class Walk {
public:
    // reduce: what is no change is removed.
    explicit Walk(const ChangeVisitor& visit, bool reduce = false) : visit_(visit), reduce_(reduce) {}
    Result<void> run(const std::string& upper, const std::vector<std::string>& lower);

private:
    struct Level {
        UniqueFd dir; // of the writable layer
        MergedFolder below;
        std::string path; // "" is the root
        std::vector<std::string> names;
        size_t next = 0;
        bool opaque = false;
        // The folder's own place, to tell of it when something in it changed.
        std::string name;
        struct stat st{};
        bool told = true;
        bool no_change = false; // nor of itself, nor of what is in it so far
        bool reduced = false;   // something in it was removed
    };

    Result<void> visit_next();
    Result<void> look_at(const std::string& name, const std::string& path, const struct stat& st);
    Result<void> enter(const std::string& name, const std::string& path, const struct stat& st, MergedFolder below,
                       bool told);
    Result<void> tell(const TreeChange& change);
    Result<bool> differs(const Level& level, const std::string& name, const struct stat& st,
                         const MergedEntry& old) const;

    Result<void> leave();
    Result<void> drop(const std::string& name);

    const ChangeVisitor& visit_;
    bool reduce_;
    std::vector<Level> levels_;
};

// Folders on the way are told of first.
Result<void> Walk::tell(const TreeChange& change) {
    for (size_t i = 1; i < levels_.size(); ++i) {
        Level& level = levels_[i];
        level.no_change = false;
        if (level.told) continue;
        level.told = true;
        TRY(visit_({level.path, ChangeKind::modified, levels_[i - 1].dir, level.name, &level.st}));
    }
    return visit_(change);
}

Result<bool> Walk::differs(const Level& level, const std::string& name, const struct stat& st,
                           const MergedEntry& old) const {
    const struct stat& was = old.st;
    if (st.st_mode != was.st_mode || st.st_uid != was.st_uid || st.st_gid != was.st_gid) return true;
    if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) && st.st_rdev != was.st_rdev) return true;
    if (S_ISDIR(st.st_mode)) return false;
    if (st.st_size != was.st_size || st.st_mtim.tv_sec != was.st_mtim.tv_sec) return true;
    // Layers come from archives with times in whole seconds, often.
    if (st.st_mtim.tv_nsec != was.st_mtim.tv_nsec && st.st_mtim.tv_nsec != 0 && was.st_mtim.tv_nsec != 0) return true;
    if (S_ISLNK(st.st_mode)) return false;
    auto capability = [](BorrowedFd dir, const std::string& file) -> Result<std::string> {
        auto value = TRY(sys::get_xattr_at(dir, file, "security.capability"));
        return plain_capability(value ? std::move(*value) : std::string());
    };
    auto now = capability(level.dir, name), then = capability(level.below.dir_of(old), old.name);
    if (now.ok() && then.ok() && *now != *then) return true;
    // Written anew with the time it had, as reproducible builds do.
    return S_ISREG(st.st_mode) && !TRY(same_contents(level.dir, name, level.below.dir_of(old), old.name));
}

Result<void> Walk::enter(const std::string& name, const std::string& path, const struct stat& st, MergedFolder below,
                         bool told) {
    if (levels_.size() >= max_nested) return Error(ErrorKind::too_large, "folders are nested too deeply");
    auto opened = sys::openat(levels_.back().dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened.ok()) return vanished(opened.error()) ? Result<void>{} : std::move(opened).error();
    Level level;
    level.dir = std::move(*opened);
    level.opaque = TRY(is_opaque(level.dir));
    level.names = TRY(sys::names_in(level.dir));
    if (level.opaque && !below.empty()) {
        // What was there before is gone, unless it was made anew.
        for (const MergedEntry& old : TRY(below.entries())) level.names.push_back(old.name);
        std::ranges::sort(level.names);
        auto rest = std::ranges::unique(level.names);
        level.names.erase(rest.begin(), rest.end());
    }
    level.below = std::move(below);
    level.path = path;
    level.name = name;
    level.st = st;
    level.told = told;
    levels_.push_back(std::move(level));
    return {};
}

Result<void> Walk::look_at(const std::string& name, const std::string& path, const struct stat& st) {
    Level& level = levels_.back();
    auto old = TRY(level.below.find(name));
    if (is_whiteout(st)) return old ? tell({path, ChangeKind::deleted, {}, {}, nullptr}) : drop(name);
    if (!old && may_be_stub(path, st)) {
        if (!S_ISDIR(st.st_mode)) return drop(name);
        TRY(enter(name, path, st, {}, true));
        levels_.back().no_change = true;
        return {};
    }
    if (S_ISSOCK(st.st_mode)) TRY(drop(name)); // no tar has it
    bool changed = !old || TRY(differs(level, name, st, *old));
    if (changed) TRY(tell({path, old ? ChangeKind::modified : ChangeKind::added, level.dir, name, &st}));
    if (!S_ISDIR(st.st_mode)) return changed ? Result<void>{} : drop(name);
    MergedFolder below;
    if (old && S_ISDIR(old->st.st_mode)) {
        auto entered = level.below.enter(*old);
        if (entered.ok()) below = std::move(*entered);
    }
    TRY(enter(name, path, st, std::move(below), changed));
    levels_.back().no_change = !changed;
    return {};
}

Result<void> Walk::drop(const std::string& name) {
    if (!reduce_) return {};
    levels_.back().reduced = true;
    auto gone = sys::unlink_at(levels_.back().dir, name);
    return gone.ok() || vanished(gone.error()) ? Result<void>{} : gone;
}

Result<void> Walk::leave() {
    Level done = std::move(levels_.back());
    levels_.pop_back();
    if (!reduce_ || levels_.empty()) return {};
    if (done.no_change) {
        levels_.back().reduced = true;
        return sys::remove_tree_at(levels_.back().dir, done.name);
    }
    if (!done.reduced) return {};
    return sys::set_mtime(done.dir, {done.st.st_mtim.tv_sec, static_cast<uint32_t>(done.st.st_mtim.tv_nsec)});
}

Result<void> Walk::visit_next() {
    Level& level = levels_.back();
    if (level.next == level.names.size()) return leave();
    std::string name = std::move(level.names[level.next++]);
    std::string path = level.path + "/" + name;
    auto st = sys::stat_at(level.dir, name);
    if (st.ok()) return look_at(name, path, *st).context(path);
    if (!vanished(st.error())) return std::move(st).error().context(path);
    // Only a folder that hides what was below knows names that aren't in it.
    auto old = TRY(level.below.find(name));
    return level.opaque && old ? tell({path, ChangeKind::deleted, {}, {}, nullptr}) : Result<void>{};
}

Result<void> Walk::run(const std::string& upper, const std::vector<std::string>& lower) {
    Level root;
    root.dir = TRY(sys::open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    root.below = TRY(MergedFolder::open(lower));
    root.names = TRY(sys::names_in(root.dir));
    levels_.push_back(std::move(root));
    while (!levels_.empty()) TRY(visit_next());
    return {};
}

} // namespace

Result<void> walk_changes(const std::string& upper, const std::vector<std::string>& lower, const ChangeVisitor& visit) {
    return Walk(visit).run(upper, lower);
}

namespace {

Result<void> pack_changes(const std::string& upper, const std::vector<std::string>& lower, ByteSink& sink,
                          bool reduce) {
    TreePacker packer(sink);
    const ChangeVisitor pack = [&](const TreeChange& change) {
        std::string path = change.path.substr(1);
        if (change.kind == ChangeKind::deleted) return packer.add_whiteout(path);
        return packer.add(change.dir, change.name, path, *change.st);
    };
    TRY(Walk(pack, reduce).run(upper, lower));
    return packer.finish();
}

} // namespace

Result<void> write_changes(const std::string& upper, const std::vector<std::string>& lower, ByteSink& sink) {
    return pack_changes(upper, lower, sink, false);
}

Result<void> reduce_to_changes(const std::string& upper, const std::vector<std::string>& lower, ByteSink& sink) {
    return pack_changes(upper, lower, sink, true);
}

Result<void> write_merged(const std::vector<std::string>& layers, ByteSink& sink) {
    struct Level {
        MergedFolder folder;
        std::string path; // with "/" at its end
        std::vector<MergedEntry> entries;
        size_t next = 0;
    };
    TreePacker packer(sink);
    std::vector<Level> levels;
    auto enter = [&](MergedFolder folder, std::string path) -> Result<void> {
        if (levels.size() >= max_nested) return Error(ErrorKind::too_large, "folders are nested too deeply");
        auto entries = TRY(folder.entries());
        levels.push_back({std::move(folder), std::move(path), std::move(entries), 0});
        return {};
    };
    TRY(enter(TRY(MergedFolder::open(layers)), ""));
    while (!levels.empty()) {
        Level& level = levels.back();
        if (level.next == level.entries.size()) {
            levels.pop_back();
            continue;
        }
        const MergedEntry entry = std::move(level.entries[level.next++]);
        std::string path = level.path + entry.name;
        TRY(packer.add(level.folder.dir_of(entry), entry.name, path, entry.st).context(path));
        if (!S_ISDIR(entry.st.st_mode)) continue;
        auto inner = level.folder.enter(entry);
        if (inner.ok())
            TRY(enter(std::move(*inner), path + "/"));
        else if (!vanished(inner.error()))
            return std::move(inner).error();
    }
    return packer.finish();
}

} // namespace hull::store
