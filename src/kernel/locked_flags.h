// Changing mounts that came from a more privileged mount namespace: in there
// ro, nosuid, nodev, noexec and the mode of atime can't be taken back
// (mount_namespaces(7), "Restrictions on mount namespaces").
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/mount.h"

namespace hull::kernel {

// As sys::set_mount_attributes() on a detached copy. What is locked and isn't
// asked to change stays; a change of atime alone that is refused is left out;
// any other that is refused is `forbidden` and names the options.
Result<void> change_mount(BorrowedFd tree, sys::Depth depth, const sys::MountAttributes& attributes);

} // namespace hull::kernel
