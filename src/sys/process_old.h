// What process.h does where the kernel lacks clone3 or close_range.
#pragma once

#include <span>

#include "sys/process.h"

namespace hull::sys {

// clone(2). unsupported for what only clone3 can say: a cgroup to be born in.
Result<pid_t> clone_by_registers(const CloneRequest& request);

// One by one, those that /proc/self/fd lists (own_proc.h), or every number that
// the limit of open files lets be.
Result<void> mark_each_from(unsigned first);
// kept: sorted.
Result<void> close_each_from(unsigned first, std::span<const unsigned> kept);

} // namespace hull::sys
