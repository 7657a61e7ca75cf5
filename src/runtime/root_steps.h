// How init comes to its root: by pivot_root before the mounts are attached in it,
// by moving it over "/" (RootChange::move), or, where mounts are staged
// (sys/mount.h), only after they are.
#pragma once

#include "runtime/prepared.h"

namespace hull::runtime {

// Attaches what belongs into a tree that was copied mount by mount.
Result<void> attach_parts(BorrowedFd tree, std::vector<kernel::BindTree::Part>& parts);

// Otherwise the mount namespace is somebody else's too: its root stays, and
// the container's lies in it, over its own folder, until that is unmounted.
bool is_own_tree(const Launching& l);

// Mounts are detached: "/" is the container's root afterwards.
Result<void> enter_root(Launching& l);

// Mounts are staged: taken into init's mount namespace; their root opened as
// l.root; entered.
Result<void> take_staged_mounts(Launching& l);
Result<void> open_staged_root(Launching& l);
Result<void> enter_staged_root(Launching& l);

} // namespace hull::runtime
