// Where in the hierarchies a process is, and what one without privileges may
// do there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/plan.h"
#include "kernel/mount_table.h"

namespace hull::kernel::cgroup {

// The folders that the calling process is in, as far as they can be seen: of
// the v1 hierarchies, or of v2 where v1 has no controllers. No writes.
Result<std::vector<Dir>> own_places();
// Its pure part. own: the text of /proc/self/cgroup (cgroups(7)).
std::vector<Dir> places_of(const std::vector<MountRecord>& mounts, std::string_view own);

// A path (as in cgroup.h) for a new cgroup of this name where this user most
// likely may make one: beside its own on v2, which holds processes and so can't
// hand on controllers; below its own on v1. Empty: there is no such place.
Result<std::string> path_near_own(const std::string& name);

// The part of a plan that this process may carry out.
struct Permitted {
    Plan plan;
    // The writes that stay undone: "memory.max=67108864".
    std::vector<std::string> unlimited;
};
// Folders that this process can't make or join are left out, and on v2 device
// programs and the limits whose controller isn't handed down. Enables
// controllers where create() would.
Result<Permitted> permitted_part(const Plan& plan);

} // namespace hull::kernel::cgroup
