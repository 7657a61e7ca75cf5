#include "runtime/start.h"

#include <csignal>

#include "sys/own_proc.h"
#include "sys/process.h"
#include "sys/scheduling.h"
#include "sys/socket.h"

namespace hull::runtime {

namespace {

// As a shell would say it, for a caller that only looks at the exit status.
int exit_code(const Error& error) {
    if (error.kind() == ErrorKind::no_such_program) return 127;
    if (error.kind() == ErrorKind::not_executable) return 126;
    return 125;
}

} // namespace

void fail_and_exit(ReportWriter& report, const Error& error) {
    report.failed(error);
    sys::exit_now(exit_code(error));
}

Result<PendingLaunch> fork_intermediate(const LaunchFds& stdio,
                                        const std::function<Result<void>(ReportWriter&, const LaunchFds&)>& body) {
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::seqpacket));
    sys::CloneRequest request;
    request.exit_signal = SIGCHLD;
    pid_t pid = TRY(sys::clone(request).context("fork"));
    if (pid != 0) {
        PendingLaunch pending;
        pending.intermediate = pid;
        pending.report = ReportReader(std::move(ours));
        return pending;
    }
    ours.reset();
    sys::quiet_signals();
    // Numbers that the program's own descriptors will take must be free.
    int above = 3 + static_cast<int>(stdio.extra.size());
    auto moved = sys::duplicate_above(theirs, above);
    if (!moved.ok()) sys::exit_now(125);
    theirs.reset();
    ReportWriter report(std::move(*moved));
    LaunchFds own = stdio;
    UniqueFd gate;
    sys::keep_own_proc(above);
    auto run = [&]() -> Result<void> {
        TRY(sys::set_not_dumpable());
        if (stdio.gate) {
            gate = TRY(sys::duplicate_above(stdio.gate, above));
            own.gate = gate;
        }
        return body(report, own);
    };
    auto done = run();
    if (!done.ok()) fail_and_exit(report, done.error());
    sys::exit_now(0);
}

void leave_callers_cpus() { (void)sys::forget_cpu_affinity(); }

Error start_program(Starting& starting) {
    auto ready = run_steps(process_steps(), starting, starting.report);
    if (!ready.ok()) return std::move(ready).error();
    return become_program(starting);
}

} // namespace hull::runtime
