// Watching one file for changes.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Non-blocking; readable after every write to the file (also of the kernel's
// own, for files of cgroup v2), and when it is renamed or removed. Reading it, 4 KiB at a time, resets it.
Result<UniqueFd> watch_file(const std::string& path);

} // namespace hull::sys
