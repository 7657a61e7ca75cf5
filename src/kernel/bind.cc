#include "kernel/bind.h"

#include <algorithm>
#include <array>

#include <fcntl.h>

#include "kernel/mount_table.h"
#include "sys/file.h"

namespace hull::kernel {

namespace {

// Sorted.
constexpr std::array<std::string_view, 24> pseudo_filesystems{
    "autofs", "binder",   "binfmt_misc", "bpf",        "cgroup",    "cgroup2", "configfs", "debugfs",
    "devpts", "devtmpfs", "efivarfs",    "fusectl",    "hugetlbfs", "mqueue",  "nsfs",     "pipefs",
    "proc",   "pstore",   "rpc_pipefs",  "securityfs", "selinuxfs", "sockfs",  "sysfs",    "tracefs"};
static_assert(std::ranges::is_sorted(pseudo_filesystems));

// EINVAL: the file system doesn't take part. EPERM: it does, but this mount is
// id-mapped already or its owner isn't the host.
bool refused(const Error& error) { return error.code() == EINVAL || error.code() == EPERM; }

Error cannot_map(const std::string& source, const MountRecord& mount) {
    return Error(ErrorKind::unsupported,
                 "bind mount " + source + ": the file system " + mount.fs_type + " mounted on " + mount.mount_point +
                     " can't be id-mapped, which a container with a user namespace of its own needs; run it with "
                     "--userns=host, or put the files on another file system");
}

// Below what is asked for, "/" perhaps, lie the roots of another engine's containers and what programs serve. Nobody
// asked for those: unmapped, their files are nobody's inside.
bool is_of_others(std::string_view fs_type) {
    return fs_type == "overlay" || fs_type == "fuse" || fs_type.starts_with("fuse.");
}

const MountRecord* find(const std::vector<MountRecord>& table, int id) {
    auto at = std::ranges::find(table, id, &MountRecord::id);
    return at == table.end() ? nullptr : &*at;
}

// The copy of one mount, mapped if that is possible and needed.
Result<UniqueFd> map_one(BorrowedFd at, BorrowedFd user_ns, const std::string& source, const MountRecord& mount,
                         bool asked_for) {
    UniqueFd tree = TRY(sys::clone_tree(at, "", sys::Depth::one));
    auto mapped = sys::set_mount_attributes(tree, "", sys::Depth::one, {.user_ns = user_ns});
    if (mapped.ok()) return tree;
    if (!refused(mapped.error())) return std::move(mapped).error().context("id-map " + mount.mount_point);
    if (is_pseudo_filesystem(mount.fs_type) || (!asked_for && is_of_others(mount.fs_type))) return tree;
    return cannot_map(source, mount);
}

// Some mount of the tree refused: go through them one by one, those higher up
// first. Mounts that another one hides are left out.
Result<BindTree> map_each(BorrowedFd at, const std::string& source, sys::Depth depth, BorrowedFd user_ns) {
    auto table = TRY(read_mount_table());
    const MountRecord* top = find(table, TRY(sys::mount_id(at)));
    if (!top) return Error(ErrorKind::internal, "bind mount " + source + ": its mount is not in the mount table");
    BindTree out;
    out.tree = TRY(map_one(at, user_ns, source, *top, true));
    if (depth == sys::Depth::one) return out;
    // The table knows the real path, not one with links in it.
    std::string real = TRY(sys::readlink("/proc/self/fd/" + std::to_string(at.get())));
    size_t skip = real == "/" ? 1 : real.size() + 1;
    std::vector<const MountRecord*> below;
    for (const auto& record : table)
        if (&record != top && record.mount_point != real && is_below(record.mount_point, real))
            below.push_back(&record);
    std::ranges::stable_sort(below, {}, [](const MountRecord* r) { return r->mount_point.size(); });
    for (const MountRecord* record : below) {
        auto place = sys::open(record->mount_point, O_PATH | O_NOFOLLOW);
        if (!place.ok() || TRY(sys::mount_id(*place)) != record->id) continue; // hidden
        out.parts.push_back({record->mount_point.substr(skip), TRY(map_one(*place, user_ns, source, *record, false))});
    }
    return out;
}

} // namespace

bool is_pseudo_filesystem(std::string_view fs_type) { return std::ranges::binary_search(pseudo_filesystems, fs_type); }

Result<BindTree> clone_for_container(BorrowedFd source, const std::string& source_path, sys::Depth depth,
                                     BorrowedFd user_ns, sys::Depth mapping) {
    BindTree out;
    out.tree = TRY(sys::clone_tree(source, "", depth).context("bind mount " + source_path));
    if (!user_ns) return out;
    bool all = mapping == sys::Depth::all_below;
    auto mapped = sys::set_mount_attributes(out.tree, "", all ? depth : sys::Depth::one, {.user_ns = user_ns});
    if (mapped.ok()) return out;
    if (!all || !refused(mapped.error()))
        return std::move(mapped).error().context("bind mount " + source_path + ": id-map it");
    return map_each(source, source_path, depth, user_ns);
}

} // namespace hull::kernel
