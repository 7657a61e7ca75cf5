// Options of --tmpfs: those of mount(8) and of the kernel's tmpfs.
#pragma once

#include <string>

#include "base/result.h"

namespace hull::engine {

// options: comma-separated. Errors: invalid_argument in Docker's words.
Result<void> check_tmpfs_options(const std::string& options);

} // namespace hull::engine
