// Bind mounts as detached trees, with ids shifted by a user namespace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/mount.h"

namespace hull::kernel {

// A detached tree, and what has to be attached in it afterwards, in this order:
// the kernel changes the attributes of a detached tree only at its root, so
// mounts that are treated differently are copied one by one.
struct BindTree {
    struct Part {
        std::string relative; // below the root of tree: "a/b"
        UniqueFd tree;
    };
    UniqueFd tree;
    std::vector<Part> parts;
};

// A copy of what is mounted at source (an O_PATH descriptor); with all_below
// everything mounted under it too. When user_ns is valid, each mount is
// id-mapped by it; pseudo file systems (proc, sysfs, cgroup, ...) stay
// unmapped, and so do overlay and FUSE below the source. A real file system that can't be id-mapped is `unsupported`,
// and the message names it, where it is mounted, and --userns=host. mapped: how deep the mapping goes; one leaves what
// is mounted below unmapped, and any refusal is an error.
Result<BindTree> clone_for_container(BorrowedFd source, const std::string& source_path, sys::Depth depth,
                                     BorrowedFd user_ns, sys::Depth mapped = sys::Depth::all_below);

// A file system of the kernel's own that holds no files of users.
bool is_pseudo_filesystem(std::string_view fs_type);

} // namespace hull::kernel
