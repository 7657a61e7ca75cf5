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

namespace hull::runtime {

namespace {

OverlayBy forced = OverlayBy::automatic;

// Layers are written by the engine alone and looked at behind overlay's back
// (diff, commit): nothing but plain files and whiteouts may appear in upper.
constexpr const char* overlay_options = "redirect_dir=off,metacopy=off,index=off";

// Upper and work must lie on one mount, so the folder above both is cloned.
Result<std::string> common_parent(const RootfsPlan& plan) {
    size_t slash = plan.upper.rfind('/');
    std::string parent = plan.upper.substr(0, slash == plan.upper.npos ? 0 : slash);
    if (parent.empty() || !kernel::is_below(plan.work, parent) || plan.work.size() <= parent.size() + 1)
        return Error(ErrorKind::invalid_argument,
                     "overlay: upper " + plan.upper + " and work " + plan.work + " must lie in one folder");
    return parent;
}

Result<UniqueFd> shifted_clone(const std::string& path, const Ownership& owner) {
    UniqueFd folder = TRY(sys::open(path, O_PATH | O_DIRECTORY));
    UniqueFd tree = TRY(kernel::clone_for_container(folder, path, sys::Depth::one, owner.user_ns));
    return tree;
}

// A readable descriptor: overlay takes O_PATH ones only since Linux 6.15.
Result<UniqueFd> folder_in(BorrowedFd tree, const std::string& relative) {
    return sys::openat(tree, relative, O_RDONLY | O_DIRECTORY);
}

struct OverlayFds {
    std::vector<UniqueFd> lower;
    UniqueFd upper, work;
};

Result<OverlayFds> open_layers(const RootfsPlan& plan, const Ownership& owner) {
    OverlayFds fds;
    for (const auto& path : plan.lower) {
        UniqueFd tree = TRY(shifted_clone(path, owner).context("layer"));
        fds.lower.push_back(TRY(folder_in(tree, ".")));
    }
    if (plan.upper.empty()) return fds;
    std::string parent = TRY(common_parent(plan));
    UniqueFd tree = TRY(shifted_clone(parent, owner).context("writable layer"));
    fds.upper = TRY(folder_in(tree, plan.upper.substr(parent.size() + 1)));
    fds.work = TRY(folder_in(tree, plan.work.substr(parent.size() + 1)));
    return fds;
}

Result<UniqueFd> overlay_by_descriptors(const RootfsPlan& plan, const Ownership& owner) {
    OverlayFds fds = TRY(open_layers(plan, owner));
    auto overlay = TRY(sys::NewFilesystem::open("overlay"));
    for (const auto& lower : fds.lower) TRY(overlay.fd("lowerdir+", lower));
    if (fds.upper) {
        TRY(overlay.fd("upperdir", fds.upper));
        TRY(overlay.fd("workdir", fds.work));
    }
    TRY(overlay.options(overlay_options));
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    return overlay.mount(0);
}

// In overlay's own option text a colon parts the layers, a comma the options.
std::string escaped(std::string_view path) {
    std::string out;
    for (char c : path) {
        if (c == '\\' || c == ':' || c == ',') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

// Lays the shifted clone over the path itself, so that overlay, which looks
// the path up, finds the clone.
Result<void> cover(const std::string& path, const Ownership& owner) {
    UniqueFd tree = TRY(shifted_clone(path, owner));
    return sys::attach_mount(tree, path);
}

Result<UniqueFd> overlay_by_paths(const RootfsPlan& plan, const Ownership& owner) {
    TRY(sys::unshare(CLONE_NEWNS));
    TRY(sys::mount_propagation("/", MS_REC | MS_PRIVATE));
    std::string options = overlay_options;
    options += ",lowerdir=";
    for (size_t i = 0; i < plan.lower.size(); ++i) {
        if (owner.user_ns) TRY(cover(plan.lower[i], owner).context("layer"));
        options += (i == 0 ? "" : ":") + escaped(plan.lower[i]);
    }
    std::string target = plan.lower.front();
    if (!plan.upper.empty()) {
        std::string parent = TRY(common_parent(plan));
        if (owner.user_ns) TRY(cover(parent, owner).context("writable layer"));
        options += ",upperdir=" + escaped(plan.upper) + ",workdir=" + escaped(plan.work);
        target = plan.upper;
    }
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    TRY(sys::mount_filesystem("overlay", target, options));
    return sys::clone_tree({}, target, sys::Depth::one);
}

// SET_FD of layers came with Linux 6.13 (fsconfig: EINVAL before), the new
// mount API with 5.2.
bool too_old(const Error& error) { return error.code() == EINVAL || error.code() == ENOSYS; }

Result<UniqueFd> make_overlay(const RootfsPlan& plan, const Ownership& owner, OverlayBy how) {
    if (how == OverlayBy::paths) return overlay_by_paths(plan, owner);
    auto made = overlay_by_descriptors(plan, owner);
    if (made.ok() || how == OverlayBy::descriptors || !too_old(made.error())) return made;
    return overlay_by_paths(plan, owner);
}

} // namespace

void force_overlay_by(OverlayBy how) { forced = how; }

Result<UniqueFd> make_rootfs(const RootfsPlan& plan, const Ownership& owner, OverlayBy how) {
    Ownership used = owner;
    if (!plan.idmap) used.user_ns = {};
    if (plan.lower.empty()) {
        UniqueFd folder = TRY(sys::open(plan.path, O_PATH | O_DIRECTORY));
        return kernel::clone_for_container(folder, plan.path, sys::Depth::all_below, used.user_ns);
    }
    // Overlay wants two layers at least.
    if (plan.lower.size() == 1 && plan.upper.empty()) return shifted_clone(plan.lower.front(), used);
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
