// A copy of a folder tree with everything that belongs to it: owners, modes,
// times, extended attributes, hard links, holes, devices and sockets. Blocks are
// shared where the file system can (reflink).
//
// The tree may change meanwhile: what is gone is left out. What is mounted below
// is left empty. Links are never followed.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::store {

struct CopiedTree {
    uint64_t files = 0; // entries of any kind, without the top
    uint64_t bytes = 0; // of the regular files
};

// into: an empty folder that nobody else looks at; it gets the top's own owner,
// mode and so on. What was made before an error stays.
Result<CopiedTree> copy_whole_tree(BorrowedFd from, BorrowedFd into);
// The same by paths, whose last part is not followed.
Result<CopiedTree> copy_folder(const std::string& from, const std::string& into);
// O_RDONLY; the path's last part is not followed.
Result<UniqueFd> open_folder(const std::string& path);

} // namespace hull::store
