// Files by position: read and write at an offset, length, truncation.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// At most into.size() bytes from offset on; 0 at the end.
Result<size_t> read_at(BorrowedFd fd, uint64_t offset, std::span<char> into);
// All of data from offset on.
Result<void> write_all_at(BorrowedFd fd, uint64_t offset, std::string_view data);
Result<uint64_t> file_length(BorrowedFd fd);
Result<void> truncate(BorrowedFd fd, uint64_t length);
Result<uint64_t> inode_of(BorrowedFd fd);
// When the file was made, ns; tells it from a later one with its inode number.
// 0 where the file system doesn't keep it.
Result<uint64_t> birth_of(BorrowedFd fd);

} // namespace hull::sys
