// What launch() and exec() have in common: the fork of the intermediate, the
// end of one that failed, the last part of the way.
#pragma once

#include <functional>

#include "runtime/launch.h"
#include "runtime/process_steps.h"
#include "runtime/report_writer.h"

namespace hull::runtime {

// Runs body in a child and returns at once. The child's descriptors for stdio
// are the caller's; the report's is out of the way of the program's own.
Result<PendingLaunch> fork_intermediate(const LaunchFds& stdio,
                                        const std::function<Result<void>(ReportWriter&, const LaunchFds&)>& body);

// The CPUs that our caller was bound to are none of the container's business: its
// cgroup says where it may run. Not where the kernel or a sandbox refuses.
void leave_callers_cpus();

// Returns only with an error.
Error start_program(Starting& starting);

[[noreturn]] void fail_and_exit(ReportWriter& report, const Error& error);

} // namespace hull::runtime
