// Listing folders, and removing empty ones (cgroup folders go with rmdir alone).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <dirent.h>

#include "base/result.h"

namespace hull::sys {

struct DirCloser {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using OpenDir = std::unique_ptr<DIR, DirCloser>;

Result<void> rmdir(const std::string& path); // missing: not_found; in use: code() is EBUSY
// The names of the folders in path, without . and .., unsorted.
Result<std::vector<std::string>> list_folders(const std::string& path);

// Bytes that an ordinary user may still write on the file system of path.
Result<uint64_t> free_bytes(const std::string& path);

} // namespace hull::sys
