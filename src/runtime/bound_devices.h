// Device nodes where the kernel lets nobody make any (a user namespace): the
// host's own, bound to their places.
#pragma once

#include <vector>

#include "base/result.h"
#include "runtime/plan.h"
#include "runtime/prepared.h"

namespace hull::runtime {

// The container's /dev as the mount plan describes it, as a tmpfs of the
// calling process's user namespace, with the usual links and, as parts to be
// attached, the host's nodes for those of the plan that lie below /dev.
Result<PreparedMount> make_dev_of_bound(const Plan& plan, const MountPlan& mount);

// The same for the nodes that lie elsewhere, or for all when /dev is no tmpfs
// of ours.
Result<std::vector<BoundDevice>> bind_other_devices(const Plan& plan, bool dev_has_its_own);

} // namespace hull::runtime
