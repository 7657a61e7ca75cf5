#include "runtime/root_steps.h"

#include <fcntl.h>
#include <sched.h>

#include "kernel/mount_table.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/resolve.h"

namespace hull::runtime {

Result<void> attach_parts(BorrowedFd tree, std::vector<kernel::BindTree::Part>& parts) {
    for (auto& part : parts) {
        UniqueFd place = TRY(sys::open_beneath(tree, part.relative, O_PATH, sys::Links::refused));
        TRY(sys::attach_mount(part.tree, place).context(part.relative));
    }
    parts.clear();
    return {};
}

namespace {

// Something mounted over the root would not be seen from "/", but ".." leads
// to it.
Result<void> check_root_is_bare() {
    auto root = TRY(sys::stat("/"));
    auto above = TRY(sys::stat("/.."));
    if (root.st_dev == above.st_dev && root.st_ino == above.st_ino) return {};
    return Error(ErrorKind::internal, "the host's root is still there after pivot_root");
}

Result<void> pivot_into_root(Launching& l) {
    // What is attached to the old root goes away with it, all in one RCU grace
    // period. Not at its "/": that would be what the unmounting below finds.
    for (auto& leftover : l.rootfs.leftovers) TRY(sys::attach_mount(leftover, "/proc"));
    l.rootfs.leftovers.clear();
    // "/" is the one place that is surely there to mount on.
    if (!l.root_is_placed) TRY(sys::attach_mount(l.rootfs.mount, "/"));
    TRY(sys::fchdir(l.rootfs.mount));
    TRY(sys::pivot_root(".", "."));
    // The old root now lies over the new one, at ".".
    TRY(sys::unmount_lazily("."));
    TRY(sys::chdir("/"));
    return check_root_is_bare();
}

// proc and sysfs must not be within reach of a process that leaves its chroot.
Result<void> cover(const std::string& mount_point) {
    auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
    TRY(tmpfs.options("source=tmpfs,size=0k"));
    UniqueFd tree = TRY(tmpfs.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    return sys::attach_mount(tree, mount_point);
}

// Takes off what is mounted below "/". In a user namespace the kernel keeps
// what came from outside of it (EINVAL).
Result<void> strip_old_root() {
    UniqueFd self = TRY(sys::open("/proc/self", O_PATH | O_DIRECTORY));
    auto read = [&]() -> Result<std::vector<kernel::MountRecord>> {
        std::string text = TRY(sys::read_file_at(self, "mountinfo"));
        return kernel::parse_mount_table(text);
    };
    for (const auto& mount : TRY(read())) {
        if (mount.mount_point == "/") continue;
        auto gone = sys::unmount_lazily(mount.mount_point);
        // ENOENT: gone with what it was mounted on. EACCES: below a folder that
        // the container's root may not enter, so nobody gets there.
        int code = gone.ok() ? 0 : gone.error().code();
        if (code != 0 && code != EINVAL && code != ENOENT && code != EACCES) return gone;
    }
    for (const auto& mount : TRY(read())) {
        if (mount.fs_type != "proc" && mount.fs_type != "sysfs") continue;
        auto covered = cover(mount.mount_point);
        // ENOENT: on the stage, where no path from "/" leads.
        int code = covered.ok() ? 0 : covered.error().code();
        if (code != 0 && code != ENOENT && code != EACCES) return covered;
    }
    return {};
}

Result<void> move_over_root(Launching& l) {
    TRY(sys::attach_mount(l.rootfs.mount, "/"));
    TRY(sys::fchdir(l.rootfs.mount));
    TRY(sys::chroot("."));
    return sys::chdir("/");
}

Result<void> strip_and_move(Launching& l) {
    l.rootfs.leftovers.clear();
    TRY(strip_old_root());
    return move_over_root(l);
}

Result<void> stay_beside_root(Launching& l) {
    if (!l.root_is_placed) TRY(sys::attach_mount(l.rootfs.mount, l.plan.rootfs.path));
    TRY(sys::fchdir(l.rootfs.mount));
    TRY(sys::chroot("."));
    return sys::chdir("/");
}

} // namespace

bool is_own_tree(const Launching& l) { return l.plan.ns.mount.mode == NamespaceUse::Mode::fresh; }

Result<void> enter_root(Launching& l) {
    if (!is_own_tree(l))
        TRY(stay_beside_root(l));
    else
        TRY(l.plan.rootfs.change == RootChange::pivot ? pivot_into_root(l) : strip_and_move(l));
    TRY(attach_parts(l.rootfs.mount, l.rootfs.parts));
    l.rootfs.mount.reset();
    l.root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
    return {};
}

// Init may have a copy of the mount namespace that they were staged in.
Result<void> take_staged_mounts(Launching& l) {
    if (!(l.fresh & CLONE_NEWNS)) return {};
    std::vector<UniqueFd*> staged{&l.rootfs.mount};
    auto add = [&](auto& parts) {
        for (auto& part : parts) staged.push_back(&part.tree);
    };
    add(l.rootfs.parts);
    for (auto& mount : l.mounts) {
        if (mount.tree) staged.push_back(&mount.tree);
        add(mount.parts);
    }
    if (l.device_shelf) staged.push_back(&l.device_shelf);
    return sys::carry_mounts_over(staged);
}

// Staged mounts can only be moved as long as the stage is there: the root is
// filled where it is, and entered when it is complete.
Result<void> open_staged_root(Launching& l) {
    l.rootfs.leftovers.clear();
    if (l.root_is_placed) return {};
    if (l.plan.rootfs.change == RootChange::move) TRY(strip_old_root());
    TRY(attach_parts(l.rootfs.mount, l.rootfs.parts));
    l.root = TRY(sys::duplicate(l.rootfs.mount));
    return {};
}

Result<void> enter_staged_root(Launching& l) {
    if (l.plan.rootfs.change == RootChange::pivot) {
        TRY(sys::change_staged_root(l.rootfs.mount));
        TRY(sys::chdir("/"));
        TRY(check_root_is_bare());
    } else {
        TRY(move_over_root(l));
    }
    l.rootfs.mount.reset();
    return {};
}

} // namespace hull::runtime
