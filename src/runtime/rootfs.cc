#include "runtime/rootfs.h"

#include <string_view>
#include <vector>

#include <fcntl.h>

#include "kernel/bind.h"
#include "kernel/mount_table.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

OverlayBy forced = OverlayBy::automatic;

// Layers are written by the engine alone and looked at behind overlay's back
// (diff, commit): nothing but plain files and whiteouts may appear in upper.
constexpr const char* overlay_options = "redirect_dir=off,metacopy=off,index=off";

std::string parent_of(std::string_view path) {
    size_t slash = path.rfind('/');
    return slash == path.npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

// Upper and work must lie on one mount, so a folder above both is cloned.
Result<std::string> parent_of_writable(const RootfsPlan& plan) {
    std::string parent = parent_of(plan.upper);
    if (!kernel::is_below(plan.work, parent) || plan.work.size() <= parent.size() + 1)
        return Error(ErrorKind::invalid_argument,
                     "overlay: upper " + plan.upper + " and work " + plan.work + " must lie in one folder");
    return parent;
}

Result<UniqueFd> shifted_clone(const std::string& path, const Ownership& owner) {
    UniqueFd folder = TRY(sys::open(path, O_PATH | O_DIRECTORY));
    auto copy = TRY(kernel::clone_for_container(folder, path, sys::Depth::one, owner.user_ns));
    return std::move(copy.tree);
}

// Opens folders of the host through shifted copies of the mounts they lie on,
// of which it makes as few as it can.
class ShiftedFolders {
public:
    ShiftedFolders(const RootfsPlan& plan, const Ownership& owner) : owner_(owner), base_(common_folder(plan)) {}

    // A readable descriptor: overlay takes O_PATH ones only since Linux 6.15.
    Result<UniqueFd> open(const std::string& path) {
        UniqueFd plain = TRY(sys::open(path, O_PATH | O_DIRECTORY));
        if (trees_.empty() && !base_.empty()) trees_.push_back(TRY(shifted_clone(base_, owner_)));
        if (!base_.empty()) {
            std::string below = path == base_ ? "." : path.substr(base_.size() + 1);
            auto there = sys::openat(trees_.front(), below, O_RDONLY | O_DIRECTORY);
            // Another mount in between is not part of the copy, and what is seen
            // then is what it covers.
            if (there.ok() && TRY(same_folder(*there, plain))) return there;
        }
        auto copy = TRY(kernel::clone_for_container(plain, path, sys::Depth::one, owner_.user_ns));
        trees_.push_back(std::move(copy.tree));
        return sys::openat(trees_.back(), ".", O_RDONLY | O_DIRECTORY);
    }
    std::vector<UniqueFd> take_trees() { return std::move(trees_); }

private:
    static std::string common_folder(const RootfsPlan& plan) {
        std::string base = plan.upper.empty() ? parent_of(plan.lower.front()) : parent_of(plan.upper);
        for (const auto& path : plan.lower)
            while (base != "/" && !(kernel::is_below(path, base) && path != base)) base = parent_of(base);
        return base == "/" ? "" : base;
    }
    static Result<bool> same_folder(BorrowedFd a, BorrowedFd b) {
        auto one = TRY(sys::stat_fd(a));
        auto other = TRY(sys::stat_fd(b));
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    }
    Ownership owner_;
    std::string base_;
    std::vector<UniqueFd> trees_;
};

Result<Rootfs> overlay_by_descriptors(const RootfsPlan& plan, const Ownership& owner) {
    ShiftedFolders folders(plan, owner);
    auto overlay = TRY(sys::NewFilesystem::open("overlay"));
    TRY(overlay.string("source", "overlay"));
    for (const auto& path : plan.lower) {
        UniqueFd lower = TRY(folders.open(path).context("layer"));
        TRY(overlay.fd("lowerdir+", lower));
    }
    if (!plan.upper.empty()) {
        std::string parent = TRY(parent_of_writable(plan));
        UniqueFd folder = TRY(folders.open(parent).context("writable layer"));
        UniqueFd upper = TRY(sys::openat(folder, plan.upper.substr(parent.size() + 1), O_RDONLY | O_DIRECTORY));
        UniqueFd work = TRY(sys::openat(folder, plan.work.substr(parent.size() + 1), O_RDONLY | O_DIRECTORY));
        TRY(overlay.fd("upperdir", upper));
        TRY(overlay.fd("workdir", work));
    }
    TRY(overlay.options(overlay_options));
    if (plan.discarded) TRY(overlay.options("volatile"));
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    return Rootfs{TRY(overlay.mount(0)), {}, folders.take_trees()};
}

// The whole option text has 4096 bytes: every folder is named by its descriptor.
class ShortNames {
public:
    Result<std::string> name(const std::string& path) {
        opened_.push_back(TRY(sys::open(path, O_PATH | O_DIRECTORY)));
        return "/proc/self/fd/" + std::to_string(opened_.back().get());
    }

private:
    std::vector<UniqueFd> opened_;
};

// Lays shifted clones over the paths themselves, so that overlay, which looks
// the paths up, finds the clones.
class Covers {
public:
    Result<void> lay(const std::string& path, const Ownership& owner) {
        UniqueFd tree = TRY(shifted_clone(path, owner));
        TRY(sys::attach_mount(tree, path));
        paths_.push_back(path);
        return {};
    }
    // Overlay has what it needs; others look for the files below, which can't be
    // shifted twice.
    Result<void> take_off() {
        for (; !paths_.empty(); paths_.pop_back()) TRY(sys::unmount_lazily(paths_.back()));
        return {};
    }

private:
    std::vector<std::string> paths_;
};

Result<Rootfs> overlay_by_paths(const RootfsPlan& plan, const Ownership& owner) {
    if (sys::mount_way() == sys::MountWay::detached) {
        TRY(sys::unshare(CLONE_NEWNS));
        TRY(sys::mount_propagation("/", MS_REC | MS_PRIVATE));
    }
    ShortNames names;
    Covers covers;
    std::string options = overlay_options;
    options += ",lowerdir=";
    for (size_t i = 0; i < plan.lower.size(); ++i) {
        if (owner.user_ns) TRY(covers.lay(plan.lower[i], owner).context("layer"));
        options += (i == 0 ? "" : ":") + TRY(names.name(plan.lower[i]));
    }
    std::string target = plan.lower.front();
    if (!plan.upper.empty()) {
        std::string parent = TRY(parent_of_writable(plan));
        if (owner.user_ns) TRY(covers.lay(parent, owner).context("writable layer"));
        options += ",upperdir=" + TRY(names.name(plan.upper)) + ",workdir=" + TRY(names.name(plan.work));
        target = plan.upper;
    }
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    TRY(sys::mount_filesystem("overlay", target, options));
    UniqueFd root = TRY(sys::clone_tree({}, target, sys::Depth::one));
    // On a layer it would be in the way of the next overlay that has this one.
    if (sys::mount_way() == sys::MountWay::detached || plan.upper.empty()) TRY(sys::unmount_lazily(target));
    TRY(covers.take_off());
    return Rootfs{std::move(root), {}, {}};
}

// SET_FD of layers came with Linux 6.13 (EINVAL before; before 6.5, when overlay
// took its options as one text, EOPNOTSUPP), the new mount API with 5.2.
bool too_old(const Error& error) {
    return error.code() == EINVAL || error.code() == EOPNOTSUPP || error.code() == ENOSYS;
}

Result<Rootfs> make_overlay(const RootfsPlan& plan, const Ownership& owner, OverlayBy how) {
    if (how == OverlayBy::automatic && sys::mount_way() == sys::MountWay::staged) how = OverlayBy::paths;
    if (how == OverlayBy::paths) return overlay_by_paths(plan, owner);
    auto made = overlay_by_descriptors(plan, owner);
    if (made.ok() || how == OverlayBy::descriptors || !too_old(made.error())) return made;
    return overlay_by_paths(plan, owner);
}

// A copy of a shared mount is shared with it: what is mounted inside would show
// outside, and pivot_root refuses such a root.
Result<void> part_from_host(const RootfsPlan& plan, const kernel::BindTree& tree) {
    sys::MountAttributes attributes;
    attributes.propagation = plan.propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
    TRY(sys::set_mount_attributes(tree.tree, "", sys::Depth::all_below, attributes));
    for (const auto& part : tree.parts) TRY(sys::set_mount_attributes(part.tree, "", sys::Depth::one, attributes));
    return {};
}

} // namespace

void force_overlay_by(OverlayBy how) { forced = how; }

Result<Rootfs> make_rootfs(const RootfsPlan& plan, const Ownership& owner, OverlayBy how) {
    Ownership used = owner;
    if (!plan.idmap) used.user_ns = {};
    if (plan.lower.empty()) {
        UniqueFd folder = TRY(sys::open(plan.path, O_PATH | O_DIRECTORY));
        auto tree = TRY(kernel::clone_for_container(folder, plan.path, sys::Depth::all_below, used.user_ns));
        TRY(part_from_host(plan, tree));
        return Rootfs{std::move(tree.tree), std::move(tree.parts), {}};
    }
    // Overlay wants two layers at least.
    if (plan.lower.size() == 1 && plan.upper.empty())
        return Rootfs{TRY(shifted_clone(plan.lower.front(), used)), {}, {}};
    return make_overlay(plan, used, how == OverlayBy::automatic ? forced : how).context("overlay");
}

Result<FilesystemIdentity> FilesystemIdentity::assume(uint32_t uid, uint32_t gid) {
    FilesystemIdentity identity;
    TRY(sys::set_filesystem_ids(uid, gid));
    // Leaving fsuid 0 takes the capabilities over files away.
    auto caps = TRY(sys::get_capabilities());
    caps.effective = caps.permitted;
    TRY(sys::set_capabilities(caps));
    return identity;
}

FilesystemIdentity::~FilesystemIdentity() {
    if (!active_) return;
    // Back to what this process may always be; the errors have no cause.
    (void)sys::set_filesystem_ids(0, 0).ok();
    if (auto caps = sys::get_capabilities(); caps.ok()) {
        caps->effective = caps->permitted;
        (void)sys::set_capabilities(*caps).ok();
    }
}

} // namespace hull::runtime
