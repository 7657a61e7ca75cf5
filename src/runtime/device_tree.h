// Device nodes for a container, made with the host's privileges on a tmpfs
// that belongs to the host: unlike one made inside a user namespace it may hold
// nodes that work, and what is mounted in the container is one mount, not one
// for each node.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/plan.h"
#include "runtime/rootfs.h"

namespace hull::runtime {

// The container's /dev as the mount plan describes it, with the plan's nodes
// that lie below /dev and the usual links. Detached.
Result<UniqueFd> make_dev(const Plan& plan, const MountPlan& mount, const Ownership& owner);

// The nodes that don't lie in such a /dev, each under its index in
// plan.devices; invalid when there are none. Detached.
Result<UniqueFd> make_device_shelf(const Plan& plan, bool dev_has_its_own, const Ownership& owner);

// Whether a node lies below /dev.
bool is_in_dev(const DevicePlan& device);

} // namespace hull::runtime
