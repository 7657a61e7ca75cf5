// Entering the container's user namespace, and names of limits.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::runtime {

// Without supplementary groups from here on, if the kernel lets: for who is
// about to enter a user namespace that may deny setgroups(2).
void drop_groups();
// The calling process becomes root of the namespace, with all capabilities in
// it and none outside.
Result<void> enter_user_namespace(BorrowedFd user_ns);
// The second half of it, for who joined the namespace in another way.
Result<void> become_inside_root();
// The same for who has no privileges on the host: groups stay where the
// namespace denies setgroups(2), ids where it has no id 0.
Result<void> become_inside_root_unprivileged();

// "nofile"; "limit 99" for unknown ones.
std::string rlimit_name(uint32_t resource);

} // namespace hull::runtime
