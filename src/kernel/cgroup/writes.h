// Carries out the writes of a plan or an update.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/plan.h"

namespace hull::kernel::cgroup {

// What to do for a file that isn't there before it counts as missing; the write
// is tried again after it. Empty: nothing.
using OnMissing = std::function<Result<void>()>;

// In folder, in order; those with `inherit` are left out. A value that the
// kernel refuses for what another file still holds (EINVAL: a burst above the
// quota, a limit of memory above that of memory and swap) is tried again after
// the others, as often as that gets further. Errors name the file and the value.
Result<void> do_writes(const std::string& folder, const std::vector<Write>& writes, const OnMissing& on_missing = {});

} // namespace hull::kernel::cgroup
