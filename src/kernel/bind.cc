#include "kernel/bind.h"

#include <algorithm>
#include <array>

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

const MountRecord* topmost_at(const std::vector<MountRecord>& table, std::string_view point) {
    const MountRecord* found = nullptr;
    for (const auto& record : table)
        if (record.mount_point == point) found = &record;
    return found;
}

// The mount that holds path: the longest mount point above it, the last one
// mounted there.
const MountRecord* holding(const std::vector<MountRecord>& table, std::string_view path) {
    const MountRecord* found = nullptr;
    for (const auto& record : table)
        if (is_below(path, record.mount_point) && (!found || record.mount_point.size() >= found->mount_point.size()))
            found = &record;
    return found;
}

Result<void> map_one(BorrowedFd tree, const std::string& relative, BorrowedFd user_ns, const std::string& source,
                     const MountRecord& mount) {
    auto mapped = sys::set_mount_attributes(tree, relative, sys::Depth::one, {.user_ns = user_ns});
    if (mapped.ok()) return {};
    if (!refused(mapped.error())) return std::move(mapped).context("id-map " + mount.mount_point);
    if (is_pseudo_filesystem(mount.fs_type)) return {};
    return cannot_map(source, mount);
}

// Some mount of the tree refused: go through them one by one. A mount that
// another one hides can't be reached and stays unmapped, so its files would
// belong to nobody if it were ever uncovered.
Result<void> map_each(BorrowedFd tree, const std::string& source, sys::Depth depth, BorrowedFd user_ns) {
    auto table = TRY(read_mount_table());
    const MountRecord* top = holding(table, source);
    if (!top) return Error(ErrorKind::internal, "bind mount " + source + ": no mount holds it");
    TRY(map_one(tree, "", user_ns, source, *top));
    if (depth == sys::Depth::one) return {};
    std::string_view base = source == "/" ? std::string_view{} : std::string_view(source);
    for (const auto& record : table) {
        if (&record == top || record.mount_point == source || !is_below(record.mount_point, source)) continue;
        if (topmost_at(table, record.mount_point) != &record) continue;
        std::string relative = record.mount_point.substr(base.size() + 1);
        auto mapped = map_one(tree, relative, user_ns, source, record);
        // Hidden by a mount higher up in the tree.
        if (!mapped.ok() && mapped.error().code() == ENOENT) continue;
        TRY(std::move(mapped));
    }
    return {};
}

} // namespace

bool is_pseudo_filesystem(std::string_view fs_type) { return std::ranges::binary_search(pseudo_filesystems, fs_type); }

Result<UniqueFd> clone_for_container(BorrowedFd source, const std::string& source_path, sys::Depth depth,
                                     BorrowedFd user_ns) {
    UniqueFd tree = TRY(sys::clone_tree(source, "", depth).context("bind mount " + source_path));
    if (!user_ns) return tree;
    auto mapped = sys::set_mount_attributes(tree, "", depth, {.user_ns = user_ns});
    if (mapped.ok()) return tree;
    if (!refused(mapped.error())) return std::move(mapped).error().context("bind mount " + source_path);
    // The table knows the real path, not the one with links in it.
    std::string real = TRY(sys::readlink("/proc/self/fd/" + std::to_string(source.get())));
    TRY(map_each(tree, real, depth, user_ns));
    return tree;
}

} // namespace hull::kernel
