// Making a container's first process.
//
//   launch() -> PendingLaunch{intermediate pid, report}
//     report: step* -> pid -> step* -> (terminal) -> step* -> executed
//             step* -> (pid) -> ... -> failed          (any step may fail)
//             ... -> at_gate                           (Gate::socket, then as
//                    above over the connection of whoever opens the gate)
//
// launch() forks and returns at once (some 0.1 ms), so it fits a
// single-threaded event loop: the caller polls report.fd(), and reaps two
// children: the intermediate (ends within a millisecond or so, exit status of
// no interest) and, after the event `pid`, init, whose parent is the caller.
// When `failed` arrives, mounts are gone by themselves (they live in
// namespaces that die with the processes); the cgroup folders are removed by
// remove_cgroups() below once the processes are reaped.
//
// The calling process must be single-threaded (it forks and runs C++ in the
// child). Without privileges on the host (Privileges::own) device nodes are the
// host's, bound; ids are mapped as user_namespaces(7) allows it; an OOM score
// that the kernel refuses stays; overlays and id-mapped mounts aren't possible.
#pragma once

#include <span>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/plan.h"
#include "runtime/report.h"

namespace hull::runtime {

// What a terminal makes of the line ends that the program writes: CR LF, or what they are.
enum class LineEnds : uint8_t { translated, kept };

// Borrowed for the call only; the caller closes its copies afterwards.
struct LaunchFds {
    // The program's standard streams. Ignored with plan.process.terminal.
    // Pipes are given to the container's user, so that /dev/stdout can be
    // reopened inside.
    BorrowedFd stdin_, stdout_, stderr_;
    // Gate::socket: a listening SOCK_SEQPACKET socket.
    BorrowedFd gate;
    // Terminal by the OCI way: a connected unix socket that gets the master
    // (one message, data "/dev/pts/<n>") instead of LaunchEvent::terminal.
    BorrowedFd console_socket;
    // Of a terminal that LaunchEvent::terminal brings.
    LineEnds line_ends = LineEnds::translated;
    // Further descriptors the program keeps, as 3, 4, ... (--preserve-fds).
    std::span<const BorrowedFd> extra;
};

// What the calling process may do.
enum class Privileges : uint8_t {
    host, // root of the machine
    own,  // as much as its user namespace gives: root in one, or nobody in particular
};

struct PendingLaunch {
    pid_t intermediate = 0;
    ReportReader report;
};

// fds: what the plan's FdIndex values index.
Result<PendingLaunch> launch(const Plan& plan, std::span<const BorrowedFd> fds, const LaunchFds& stdio,
                             Privileges privileges = Privileges::host);

// Removes the folders that launch() made (not their parents). Missing ones are
// fine; a folder that still holds processes is a conflict.
Result<void> remove_cgroups(const CgroupPlan& cgroup);

} // namespace hull::runtime
