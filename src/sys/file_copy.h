// What copying of files needs beyond reading and writing: shared extents, holes,
// all extended attributes, two names swapped. Errors carry the syscall, the name
// and the errno. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// to becomes a copy of from that shares its blocks (FICLONE). False: the file
// system can't do that, or they aren't on the same.
Result<bool> share_blocks(BorrowedFd from, BorrowedFd to);

struct Extent {
    uint64_t offset = 0, length = 0;
};
// The first part at or after offset that isn't a hole; nullopt: none is left.
Result<std::optional<Extent>> next_data(BorrowedFd fd, uint64_t offset);

Result<void> seek_to(BorrowedFd fd, uint64_t offset); // where read() goes on

// The names of the extended attributes of an entry, links too; where the file
// system has none, no names.
Result<std::vector<std::string>> list_xattrs_at(BorrowedFd dir, const std::string& name);

// As rename(2), but nothing is replaced; exists: conflict.
Result<void> rename_new(const std::string& from, const std::string& to);
// Both exist and stand for the other's file afterwards, at once (renameat2).
Result<void> exchange_names(const std::string& one, const std::string& other);

struct DiskUse {
    uint64_t total = 0, used = 0; // bytes
    uint64_t free = 0;            // for who isn't root, too
};
// Of the file system that fd is on.
Result<DiskUse> disk_use(BorrowedFd fd);

} // namespace hull::sys
