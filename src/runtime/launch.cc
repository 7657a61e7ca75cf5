#include "runtime/launch.h"

#include <csignal>

#include "runtime/hooks.h"
#include "runtime/host_steps.h"
#include "runtime/init_steps.h"
#include "runtime/process_steps.h"
#include "runtime/rootless_steps.h"
#include "runtime/start.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull::runtime {

namespace {

// Programs of the container's: no less confined than the one they precede.
Result<void> start_container_hooks(const Launching& l, Starting& starting) {
    const std::string state = hook_state(l.hook_state, "created", sys::own_pid());
    const HookSurroundings around{&starting.env, [&] { return confine_hook(starting); }};
    const auto& hooks = l.plan.start_container_hooks;
    for (size_t i = 0; i < hooks.size(); ++i)
        TRY(run_hook(hooks[i], state, around).context([&] { return hook_failure("startContainer", i); }));
    return {};
}

// Init. Returns only with an error.
Error be_init(Launching& l) {
    leave_callers_cpus();
    auto made = run_steps(init_steps(), l, l.report);
    if (!made.ok()) return std::move(made).error();
    Starting starting{l.plan.process, l.plan.uid_map, l.plan.gid_map, l.stdio, l.report, l.plan.gate, true};
    if (!l.plan.start_container_hooks.empty()) starting.after_gate = [&] { return start_container_hooks(l, starting); };
    starting.host_proc = std::move(l.host_proc);
    return start_program(starting);
}

Result<void> prepare(Launching& l, Privileges privileges) {
    if (privileges == Privileges::own) return run_steps(rootless_steps(), l, l.report);
    TRY(run_steps(host_steps(), l, l.report));
    return run_steps(entering_steps(), l, l.report);
}

Result<void> be_intermediate(Launching& l, Privileges privileges) {
    TRY(prepare(l, privileges));
    sys::CloneRequest request;
    UniqueFd pidfd;
    // The caller becomes init's parent. What init is told to end with goes by
    // this process's own exit signal.
    request.flags = CLONE_PARENT | l.fresh;
    if (l.cgroup) request.flags &= ~uint64_t{CLONE_NEWCGROUP};
    request.pidfd = &pidfd;
    request.cgroup = l.cgroup;
    pid_t pid = TRY(sys::clone(request).context("make the container's first process"));
    if (pid == 0) {
        l.report.forget_steps();
        fail_and_exit(l.report, be_init(l));
    }
    return l.report.pid(pid, pidfd);
}

} // namespace

Result<PendingLaunch> launch(const Plan& plan, std::span<const BorrowedFd> fds, const LaunchFds& stdio,
                             Privileges privileges) {
    if (plan.process.args.empty()) return Error(ErrorKind::invalid_argument, "no command specified");
    if (plan.gate == Gate::socket && !stdio.gate)
        return Error(ErrorKind::invalid_argument, "a gate was asked for and no socket given");
    return fork_intermediate(stdio, [&](ReportWriter& report, const LaunchFds& own) -> Result<void> {
        Launching launching{plan, fds, own, report};
        return be_intermediate(launching, privileges);
    });
}

Result<void> remove_cgroups(const CgroupPlan& cgroup) { return kernel::cgroup::remove(cgroup); }

} // namespace hull::runtime
