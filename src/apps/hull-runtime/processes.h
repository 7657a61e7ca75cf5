// The processes of a container, also of one without a cgroup.
#pragma once

#include <vector>

#include <sys/types.h>

#include "apps/hull-runtime/context.h"
#include "base/result.h"

namespace hull::oci_runtime {

// All of its processes, as this program's /proc numbers them: those of its
// cgroup, or without one those of its pid namespace. Empty when it ended. Error
// unsupported: it has neither.
Result<std::vector<pid_t>> processes_of(Context& context, const Container& container);

// An error for what works by cgroups only ("pause") when it has none.
Result<void> need_cgroup_of(const Container& container, const char* doing);

} // namespace hull::oci_runtime
