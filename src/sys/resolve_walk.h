// open_beneath (resolve.h) without openat2: by hand, part by part.
#pragma once

#include "sys/resolve.h"

namespace hull::sys {

// The same answers as openat2's, but for links of procfs: all below its root are
// refused (ELOOP), not only those that lead to open files.
Result<UniqueFd> open_beneath_by_walking(BorrowedFd root, const std::string& path, int flags, Links links, mode_t mode);

} // namespace hull::sys
