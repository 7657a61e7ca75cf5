// Empty folders (cgroup folders are removed with rmdir alone).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::sys {

Result<void> rmdir(const std::string& path); // missing: not_found; in use: code() is EBUSY
// The names of the folders in path, without . and .., unsorted.
Result<std::vector<std::string>> list_folders(const std::string& path);

} // namespace hull::sys
