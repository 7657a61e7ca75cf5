// SCMP_ACT_NOTIFY: who decides about a container's system calls (the agent) gets
// the listener of its filter, and the container process state as JSON, over a
// unix socket. Specification: runtime-spec config-linux.md, "Seccomp" and "The
// Container Process State".
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/plan.h"
#include "runtime/process_steps.h"

namespace hull::runtime {

// In the process that loads the filter: as SECCOMP_FILTER_FLAG_NEW_LISTENER
// wants it. Tells the launcher (LaunchEvent::listener), then `starting`, both
// without a system call of the filtered thread. When the launcher refuses, the
// process ends here, by SIGILL.
Result<void> load_and_hand_over(Starting& s);

// On the host's side. state: the OCI state as JSON; pid: as the caller sees it.
// Waits a second at most for the agent to accept.
struct ListenerTarget {
    const ProcessPlan& process;
    std::string oci_version;
    std::string state;
    pid_t pid = 0;
};
Result<void> send_to_agent(const ListenerTarget& target, BorrowedFd listener);

std::string container_process_state(const ListenerTarget& target);

} // namespace hull::runtime
