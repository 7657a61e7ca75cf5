// Rotated log files, compressed: <path>.1 becomes <path>.1.gz. The keeper moves
// them on; <path>.lock is locked while one is compressed, so that none moves
// under our hands. A crash leaves the plain file, the compressed one, or both;
// then the plain one counts. Thread-safe for different paths.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::store {

// Compresses what is there plain of <path>.1 to <path>.<max_files - 1>.
Result<void> compress_rotated(const std::string& path, unsigned max_files);

struct CompressedLog {
    UniqueFd fd;
    // Of the plain file that it was made of, so that who read that one knows it again.
    uint64_t device = 0, inode = 0, birth = 0;
};
// <path>.gz. Errors: not_found.
Result<CompressedLog> open_compressed(const std::string& path);
// Its text in a file without a name, beside it.
Result<UniqueFd> expand(const CompressedLog& log, const std::string& path);

} // namespace hull::store
