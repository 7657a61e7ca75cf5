// The intermediate's work: what needs the host's privileges and the host's
// paths, up to the moment when init is made.
#pragma once

#include <span>

#include "runtime/prepared.h"
#include "runtime/step.h"

namespace hull::runtime {

// Those that leave the calling process as it is (cgroups, namespaces and
// detached mounts are made).
std::span<const Step<Launching>> host_steps();
// Those that turn it into the parent-to-be of init: limits, cgroups,
// namespaces. The host can't be reached any more afterwards.
std::span<const Step<Launching>> entering_steps();

// ---- shared with rootless_steps.h ------------------------------------------

Result<UniqueFd> open_namespace(const Launching& l, const NamespaceUse& use);
// Those to be joined, and the flags of the fresh ones; all but the user's.
Result<void> open_other_namespaces(Launching& l);
// Before the first mount is made: staged ones (sys/mount.h) get their stage.
// Afterwards this process can't make user namespaces.
Result<void> prepare_for_mounts(Launching& l);
// Whether what is mounted before the root is entered stays hidden from the host.
// Not where mounts are staged and one of them shall give back what is mounted
// below it: the host's mounts must stay linked then.
bool is_parted_from_host(const Plan& plan);
Result<PreparedMount> prepare_bind(const Launching& l, const MountPlan& plan);
// The container's view of the cgroups in dirs. owner: of the folder that holds
// those of v1.
Result<PreparedMount> prepare_cgroup(const MountPlan& plan, std::span<const kernel::cgroup::Dir> dirs,
                                     const Ownership& owner);

// ---- shared with exec --------------------------------------------------------

struct EnterProcess {
    const ProcessPlan& process;
    std::span<const IdRange> uid_map, gid_map;
    const LaunchFds& stdio;
};
// Gives pipes among the standard streams to the container's root, which gives
// them to the user later.
Result<void> give_stdio(const EnterProcess& enter);
// Raises hard limits as far as the plan wants and the host lets.
Result<void> raise_limits(const EnterProcess& enter);
Result<void> set_oom_score(const EnterProcess& enter);
// I/O priority, and the scheduler where what the process forks inherits it:
// done with the host's privileges.
Result<void> set_priorities(const EnterProcess& enter);
bool is_inherited(const SchedulerPlan& scheduler);
Result<void> set_scheduler(const SchedulerPlan& scheduler);
// The launcher's /proc, for the labels of the process; invalid when it has none.
Result<UniqueFd> open_proc_for_labels(const EnterProcess& enter);
// The files of the launcher's /proc that are written from within namespaces.
Result<void> open_own_proc(Launching& l);
// In the user namespace that will own it.
Result<void> make_time_namespace(Launching& l);

} // namespace hull::runtime
