// The intermediate's work without the host's privileges: as somebody who isn't
// root, or as root of a user namespace (Privileges::own in launch.h).
//
// What host_steps.h does first and from outside is done here from inside: first
// into the container's user namespace and a mount namespace below it, then,
// with the capabilities that the caller has there, everything else. In between
// lies one change of ids: what belongs to the host is opened as the caller,
// what is made is made as the container's root.
#pragma once

#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/host_steps.h"
#include "runtime/prepared.h"
#include "runtime/step.h"

namespace hull::runtime {

// All of the way, in place of host_steps() and entering_steps().
std::span<const Step<Launching>> rootless_steps();

// ---- shared with exec --------------------------------------------------------

// As set_oom_score() and raise_limits(); a score that the kernel refuses is
// left as it is (the caller compares and says so).
Result<void> prepare_unprivileged(const EnterProcess& enter);
// Joins v1 and, unless the descriptor returned is valid, v2: with it the
// process is born there (CLONE_INTO_CGROUP), which the kernel allows only when
// root inside is the folder's owner outside.
Result<UniqueFd> join_cgroups_unprivileged(const CgroupPlan& cgroup, std::span<const IdRange> uid_map);

} // namespace hull::runtime
