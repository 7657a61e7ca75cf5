// The mount system calls, by descriptor: a mount is made detached, set up,
// and then attached at a place that was resolved to a descriptor before.
// Errors carry the syscall and what it was done to.
//
// Kernels before 5.12 and sandboxes may lack these calls. Then mounts are staged
// (mount_staged.h): attached at a hidden place of a mount namespace of the
// process's own, until they are moved to their target. The functions are the
// same; what differs for their user is said at each and told by mount_way().
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <sys/mount.h> // MOUNT_ATTR_*, MS_*, OPEN_TREE_*

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

enum class MountWay : unsigned char { detached, staged };
MountWay mount_way();

// To be called before the first mount is made in a process. Staged: the process
// gets its mount namespace, in which "/" has this propagation (MS_SLAVE, with
// MS_REC or not). Detached: nothing.
Result<void> prepare_for_mounts(unsigned long propagation);
// To be called when a mount namespace that is a copy of the one they were made in
// has been entered: the mounts are those of the new one from now on. Detached:
// nothing, as they belong to no namespace.
Result<void> carry_mounts_over(std::span<UniqueFd* const> mounts);

enum class Depth : unsigned char { one, all_below };

// A detached copy of the mount(s) at path (relative to dir when that is valid).
// An empty path with a valid dir copies at the descriptor itself.
Result<UniqueFd> clone_tree(BorrowedFd dir, const std::string& path, Depth depth);

struct MountAttributes {
    uint64_t set = 0, clear = 0; // MOUNT_ATTR_*
    uint64_t propagation = 0;    // MS_PRIVATE ... or 0
    BorrowedFd user_ns = {};     // valid: MOUNT_ATTR_IDMAP by it
};
// On the mount at path (relative to mount; empty: mount itself).
Result<void> set_mount_attributes(BorrowedFd mount, const std::string& path, Depth depth,
                                  const MountAttributes& attributes);

// What is at source shows at target too (not what is mounted below it).
Result<void> bind_mount(BorrowedFd source, BorrowedFd target);
// Attaches a detached mount on top of what the descriptor target refers to.
Result<void> attach_mount(BorrowedFd mount, BorrowedFd target);
// The same on an absolute path of the caller's own mount namespace.
Result<void> attach_mount(BorrowedFd mount, const std::string& path);

// Staged: what mount(2) will get.
struct StagedFilesystem {
    std::string source, data;
    unsigned long flags = 0; // MS_*, of the file system
};

// A file system under construction. An error holds what the file system itself
// said (its log), when it said something.
class NewFilesystem {
public:
    static Result<NewFilesystem> open(const std::string& type);
    Result<void> flag(const std::string& key);
    Result<void> string(const std::string& key, const std::string& value);
    Result<void> fd(const std::string& key, BorrowedFd value);
    // "size=64k,mode=755,ro": each part as flag or string.
    Result<void> options(const std::string& comma_separated);
    // The detached mount.
    Result<UniqueFd> mount(uint64_t attributes);

    // A file system that is mounted: flag(), string() and options() change it
    // when reconfigure() is called. mount: the root of one of its mounts.
    static Result<NewFilesystem> pick(BorrowedFd mount);
    Result<void> reconfigure();

private:
    NewFilesystem(UniqueFd context, std::string type) : context_(std::move(context)), type_(std::move(type)) {}
    Error explain(const char* syscall, const std::string& what, int code) const;
    UniqueFd context_; // invalid: mounts are staged
    std::string type_;
    StagedFilesystem request_;
};

// mount(2), for kernels where NewFilesystem can't say it all; options up to a page.
Result<void> mount_filesystem(const std::string& type, const std::string& target, const std::string& options);
// mount(2) as it is: flags are MS_*, data is for the file system. For volumes,
// whose users say which file system of which device.
Result<void> mount_device(const std::string& device, const std::string& target, const std::string& type,
                          unsigned long flags, const std::string& data);
Result<void> pivot_root(const std::string& new_root, const std::string& put_old);
// Staged mounts only: the mount new_root, which may be on the stage, becomes "/";
// the old root and the stage are gone. No mount can be made afterwards, but bind.
Result<void> change_staged_root(BorrowedFd new_root);
Result<void> unmount_lazily(const std::string& path); // umount2(MNT_DETACH)
// What is mounted at the folder where the descriptor is. The working folder is
// "/" afterwards.
Result<void> unmount_lazily(BorrowedFd folder);
Result<void> mount_propagation(const std::string& path, unsigned long flags);
// MOUNT_ATTR_* that the mount has, of those that statfs(2) tells.
Result<uint64_t> mount_attributes(BorrowedFd fd);
// The id of the mount that the descriptor lies on: the first field of a line
// of /proc/self/mountinfo.
Result<int> mount_id(BorrowedFd fd);
// statfs(2)'s f_type of what the descriptor refers to.
Result<uint64_t> filesystem_magic(BorrowedFd fd);

} // namespace hull::sys
