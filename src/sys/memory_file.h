// Files that live in memory only (memfd_create(2)).
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

Result<UniqueFd> make_memory_file(const char* name);
// All of it, from the beginning.
Result<std::string> read_memory_file(BorrowedFd file);

} // namespace hull::sys
