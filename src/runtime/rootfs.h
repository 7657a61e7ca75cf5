// The container's root as a detached mount.
#pragma once

#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/bind.h"
#include "runtime/plan.h"

namespace hull::runtime {

// How overlay is told its layers; `automatic` prefers descriptors.
enum class OverlayBy : unsigned char { automatic, descriptors, paths };

// What id shifting needs: the container's user namespace and the ids outside
// of its root. user_ns invalid: no shifting.
struct Ownership {
    BorrowedFd user_ns;
    uint32_t root_uid = 0, root_gid = 0;
};

struct Rootfs {
    UniqueFd mount; // detached
    // A plain folder's: what has to be attached in it.
    std::vector<kernel::BindTree::Part> parts = {};
    // Detached copies of the layers' folders that were needed to make it and are
    // no more. To drop one costs an RCU grace period: attach them where many
    // mounts go away together (the old root) instead of closing them.
    std::vector<UniqueFd> leftovers = {};
};

// Host side. With OverlayBy::paths the calling process gets a mount namespace
// of its own, in which the shifted layers lie over the plain ones: open what
// else is needed by path before.
Result<Rootfs> make_rootfs(const RootfsPlan& plan, const Ownership& owner, OverlayBy how = OverlayBy::automatic);

// For tests: every make_rootfs(automatic) acts as this from now on.
void force_overlay_by(OverlayBy how);

// The calling process creates files as these ids of the host, with all its
// capabilities kept, until the end of the scope.
class FilesystemIdentity {
public:
    static Result<FilesystemIdentity> assume(uint32_t uid, uint32_t gid);
    FilesystemIdentity(FilesystemIdentity&& other) noexcept : active_(std::exchange(other.active_, false)) {}
    FilesystemIdentity& operator=(FilesystemIdentity&&) = delete;
    ~FilesystemIdentity();

private:
    FilesystemIdentity() = default;
    bool active_ = true;
};

} // namespace hull::runtime
