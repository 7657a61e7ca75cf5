// Entering the container's user namespace, and names of limits.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::runtime {

// The calling process becomes root of the namespace, with all capabilities in
// it and none outside.
Result<void> enter_user_namespace(BorrowedFd user_ns);
// The second half of it, for who joined the namespace in another way.
Result<void> become_inside_root();

// "nofile"; "limit 99" for unknown ones.
std::string rlimit_name(uint32_t resource);

} // namespace hull::runtime
