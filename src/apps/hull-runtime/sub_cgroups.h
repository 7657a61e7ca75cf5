// Where a further process goes: the container's cgroups, or some below them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/plan.h"

namespace hull::oci_runtime {

// The values of `exec --cgroup`: one path for all hierarchies, or
// "<controller>[,<controller>]:<path>" each. The paths begin at the container's
// own cgroups, stay below them, and must exist.
Result<void> enter_sub_cgroups(const std::vector<std::string>& values, kernel::cgroup::Plan& places);

} // namespace hull::oci_runtime
