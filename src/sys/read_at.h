// Reading an open file by position; which file it is.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// At most into.size() bytes from offset on; 0 at the end.
Result<size_t> read_at(BorrowedFd fd, uint64_t offset, std::span<char> into);
Result<uint64_t> file_size(BorrowedFd fd);

struct FileIdentity {
    uint64_t device = 0, inode = 0;
};
Result<FileIdentity> file_identity(BorrowedFd fd);

} // namespace hull::sys
