// What mount.h does where the kernel makes no detached mounts (mount_setattr came
// with Linux 5.12; sandboxes): all by mount(2). A mount that would be detached is
// made on a folder of the stage instead, a tmpfs over "/" in a mount namespace of
// the process's own, and moved from there. Paths are those of own_proc()'s
// self/fd, so that what is mounted and where stay descriptors here too.
//
// mount.cc is the only one that uses this.
#pragma once

#include "sys/mount.h"

namespace hull::sys::staged {

Result<void> prepare(unsigned long propagation);
Result<UniqueFd> clone_tree(BorrowedFd dir, const std::string& path, Depth depth);
Result<void> set_attributes(BorrowedFd mount, const std::string& path, Depth depth, const MountAttributes& attributes);
Result<void> attach(BorrowedFd mount, BorrowedFd target);
Result<void> bind(BorrowedFd source, BorrowedFd target);
Result<void> carry_over(std::span<UniqueFd* const> mounts);
Result<void> change_root(BorrowedFd new_root);

void add_flag(StagedFilesystem& request, const std::string& key);
void add_string(StagedFilesystem& request, const std::string& key, const std::string& value);
// A new file system, mounted on the stage.
Result<UniqueFd> make(const std::string& type, const StagedFilesystem& request, uint64_t attributes);

} // namespace hull::sys::staged
