#include "runtime/exec.h"

#include "kernel/namespaces.h"
#include "runtime/host_steps.h"
#include "runtime/id_map.h"
#include "runtime/rootless_steps.h"
#include "runtime/start.h"
#include "runtime/user_namespace.h"
#include "sys/credentials.h"
#include "sys/namespace.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/scheduling.h"

namespace hull::runtime {

namespace {

struct Joining {
    BorrowedFd init;
    const ExecPlan& plan;
    LaunchFds stdio;
    UniqueFd cgroup = {}; // v2
    bool cgroup_namespace_later = false;
    UniqueFd host_proc = {}; // see open_proc_for_labels()
};

Result<void> prepare_process(Joining& j) {
    EnterProcess enter{j.plan.process, j.plan.uid_map, j.plan.gid_map, j.stdio};
    TRY(give_stdio(enter));
    TRY(set_oom_score(enter));
    TRY(set_priorities(enter));
    j.host_proc = TRY(open_proc_for_labels(enter));
    return raise_limits(enter);
}

Result<void> run_on(const std::vector<uint64_t>& cpus, const char* what) {
    if (cpus.empty()) return {};
    return sys::set_cpu_affinity(cpus).context(what);
}

// The cgroup that init is in now.
CgroupPlan cgroup_of_init(const Joining& j) {
    CgroupPlan places = j.plan.cgroup;
    if (auto pid = sys::pid_of(j.init); pid.ok()) kernel::cgroup::follow(*pid, places);
    return places;
}

Result<void> join_cgroup(Joining& j) {
    TRY(run_on(j.plan.initial_cpus, "process.execCPUAffinity.initial"));
    CgroupPlan places = cgroup_of_init(j);
    if (!j.plan.uid_map.empty()) return kernel::cgroup::join_all(places);
    j.cgroup = TRY(kernel::cgroup::open_for_clone(places));
    return kernel::cgroup::join(places);
}

// What is left when the process is in its cgroup: as long as it isn't, the
// kernel doesn't let it be born there from inside the cgroup namespace.
Result<void> join_cgroup_namespace(const Joining& j) {
    if (!j.cgroup_namespace_later) return {};
    return sys::setns(j.init, CLONE_NEWCGROUP).context("enter the container's cgroup namespace");
}

Result<void> join_namespaces(Joining& j) {
    uint64_t all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    j.cgroup_namespace_later = static_cast<bool>(j.cgroup);
    if (!j.cgroup) all |= CLONE_NEWCGROUP;
    if (j.plan.time_ns) all |= sys::abi::clone_newtime;
    bool own_user_ns = !j.plan.uid_map.empty();
    // All at once: a container that ends meanwhile is not entered by half.
    auto joined = sys::setns(j.init, all | (own_user_ns ? CLONE_NEWUSER : 0));
    if (!joined.ok() && joined.error().code() == ESRCH)
        return Error(ErrorKind::conflict, "the container is not running");
    TRY(std::move(joined).context("enter the container"));
    return own_user_ns ? become_inside_root() : Result<void>();
}

constexpr std::array<Step<Joining>, 3> list{{
    {"process", prepare_process},
    {"join cgroup", join_cgroup},
    {"join namespaces", join_namespaces},
}};

// ---- without privileges on the host ------------------------------------------

Result<void> prepare_unprivileged(Joining& j) {
    // Its /proc files must be the user's, for the OOM score.
    TRY(sys::set_dumpable());
    EnterProcess enter{j.plan.process, j.plan.uid_map, j.plan.gid_map, j.stdio};
    TRY(prepare_unprivileged(enter));
    j.host_proc = TRY(open_proc_for_labels(enter));
    TRY(run_on(j.plan.initial_cpus, "process.execCPUAffinity.initial"));
    return sys::set_not_dumpable();
}

Result<void> join_cgroup_unprivileged(Joining& j) {
    j.cgroup = TRY(join_cgroups_unprivileged(cgroup_of_init(j), j.plan.uid_map));
    return {};
}

// Namespaces that are the container's only: to join one that is the host's
// again takes the host's privileges.
Result<uint64_t> namespaces_to_join(BorrowedFd init) {
    std::string proc = "/proc/" + std::to_string(TRY(sys::pid_of(init))) + "/ns/";
    uint64_t flags = 0;
    for (const auto& kind : kernel::namespace_kinds()) {
        std::string name(kind.proc_name);
        auto theirs = sys::namespace_id(proc + name);
        auto ours = sys::namespace_id("/proc/self/ns/" + name);
        if (!theirs.ok() && theirs.error().code() == ENOENT && name == "time") continue; // before Linux 5.6
        if (!theirs.ok()) return std::move(theirs).error();
        if (!(TRY(std::move(ours)) == *theirs)) flags |= kind.clone_flag;
    }
    return flags;
}

Result<void> join_namespaces_unprivileged(Joining& j) {
    auto flags = namespaces_to_join(j.init);
    bool gone = !flags.ok() && (flags.error().kind() == ErrorKind::not_found || flags.error().code() == ESRCH);
    if (gone || sys::pidfd_ended(j.init)) return Error(ErrorKind::conflict, "the container is not running");
    uint64_t join = TRY(std::move(flags).context("enter the container"));
    j.cgroup_namespace_later = j.cgroup && join & CLONE_NEWCGROUP;
    if (j.cgroup) join &= ~uint64_t{CLONE_NEWCGROUP};
    if (join & CLONE_NEWUSER) drop_groups();
    auto joined = sys::setns(j.init, join);
    if (!joined.ok() && joined.error().code() == ESRCH)
        return Error(ErrorKind::conflict, "the container is not running");
    TRY(std::move(joined).context("enter the container"));
    return join & CLONE_NEWUSER ? become_inside_root_unprivileged() : Result<void>();
}

constexpr std::array<Step<Joining>, 3> unprivileged_list{{
    {"process", prepare_unprivileged},
    {"join cgroup", join_cgroup_unprivileged},
    {"join namespaces", join_namespaces_unprivileged},
}};

Result<void> be_intermediate(Joining& j, ReportWriter& report, Privileges privileges) {
    std::span<const Step<Joining>> steps = list;
    if (privileges == Privileges::own) steps = unprivileged_list;
    TRY(run_steps(steps, j, report));
    UniqueFd pidfd;
    sys::CloneRequest request;
    request.flags = CLONE_PARENT;
    request.pidfd = &pidfd;
    request.cgroup = j.cgroup;
    pid_t pid = TRY(sys::clone(request).context("make the process"));
    if (pid != 0) return report.pid(pid, pidfd);
    report.forget_steps();
    // Only now it is in the cgroup, also on v2.
    if (j.plan.initial_cpus.empty()) leave_callers_cpus();
    auto placed = run_on(j.plan.final_cpus, "process.execCPUAffinity.final");
    if (!placed.ok()) fail_and_exit(report, placed.error());
    if (auto joined = join_cgroup_namespace(j); !joined.ok()) fail_and_exit(report, joined.error());
    Starting starting{j.plan.process, j.plan.uid_map, j.plan.gid_map, j.stdio, report};
    starting.host_proc = std::move(j.host_proc);
    fail_and_exit(report, start_program(starting));
}

} // namespace

Result<PendingLaunch> exec(BorrowedFd init, const ExecPlan& plan, const LaunchFds& stdio, Privileges privileges) {
    if (plan.process.args.empty()) return Error(ErrorKind::invalid_argument, "no command specified");
    if (sys::pidfd_ended(init)) return Error(ErrorKind::conflict, "the container is not running");
    return fork_intermediate(stdio, [&](ReportWriter& report, const LaunchFds& own) -> Result<void> {
        Joining joining{init, plan, own};
        return be_intermediate(joining, report, privileges);
    });
}

} // namespace hull::runtime
