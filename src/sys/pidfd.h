// How processes named by descriptors ended (opening and signalling: process.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Whether it ended; a zombie has.
bool pidfd_ended(BorrowedFd pidfd);

struct WaitStatus {
    int code = 0;   // as a shell sees it: the exit code, or 128 + signal
    int signal = 0; // that killed it; 0: none
};
WaitStatus from_wait_status(int status); // of wait(2)

// The pid, as the caller's /proc has it. not_found: it was reaped.
Result<pid_t> pid_of(BorrowedFd pidfd);

// Reaps this child if it ended. True: it is gone, or never was a child.
bool reap_child(pid_t pid);
// Reaps a child that ended. nullopt: it runs, or isn't a child of the caller.
std::optional<WaitStatus> reap_pidfd(BorrowedFd pidfd);
// How a process of anybody's ended. nullopt: it runs, or the kernel can't tell
// (before 6.15; or, since then, before its parent has reaped it).
std::optional<WaitStatus> exit_of_reaped(BorrowedFd pidfd);
// How a process ended that its parent hasn't reaped yet; from /proc.
std::optional<WaitStatus> exit_of_zombie(BorrowedFd pidfd, pid_t pid);

// When it was started, in clock ticks since boot: with the pid, a name of the
// process that is unique until the next boot. not_found: no such process.
Result<uint64_t> start_ticks(pid_t pid);

} // namespace hull::sys
