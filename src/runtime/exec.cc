#include "runtime/exec.h"

#include "runtime/host_steps.h"
#include "runtime/id_map.h"
#include "runtime/start.h"
#include "runtime/user_namespace.h"
#include "sys/credentials.h"
#include "sys/namespace.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace hull::runtime {

namespace {

struct Joining {
    BorrowedFd init;
    const ExecPlan& plan;
    LaunchFds stdio;
    UniqueFd cgroup; // v2
};

Result<void> prepare_process(Joining& j) {
    EnterProcess enter{j.plan.process, j.plan.uid_map, j.plan.gid_map, j.stdio};
    TRY(give_stdio(enter));
    TRY(set_oom_score(enter));
    return raise_limits(enter);
}

Result<void> join_cgroup(Joining& j) {
    j.cgroup = TRY(kernel::cgroup::open_for_clone(j.plan.cgroup));
    return kernel::cgroup::join(j.plan.cgroup);
}

Result<void> join_namespaces(Joining& j) {
    uint64_t all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
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

Result<void> be_intermediate(Joining& j, ReportWriter& report) {
    TRY(run_steps(std::span<const Step<Joining>>(list), j, report));
    UniqueFd pidfd;
    sys::CloneRequest request;
    request.flags = CLONE_PARENT;
    request.pidfd = &pidfd;
    request.cgroup = j.cgroup;
    pid_t pid = TRY(sys::clone(request).context("make the process"));
    if (pid != 0) return report.pid(pid, pidfd);
    report.forget_steps();
    Starting starting{j.plan.process, j.plan.uid_map, j.stdio, report};
    fail_and_exit(report, start_program(starting));
}

} // namespace

Result<PendingLaunch> exec(BorrowedFd init, const ExecPlan& plan, const LaunchFds& stdio) {
    if (plan.process.args.empty()) return Error(ErrorKind::invalid_argument, "no command specified");
    if (sys::pidfd_ended(init)) return Error(ErrorKind::conflict, "the container is not running");
    return fork_intermediate(stdio, [&](ReportWriter& report, const LaunchFds& own) -> Result<void> {
        Joining joining{init, plan, own, {}};
        return be_intermediate(joining, report);
    });
}

} // namespace hull::runtime
