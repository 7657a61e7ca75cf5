// Processes: making them, waiting for them, becoming another program. The
// calls that fork are for single-threaded programs: the child runs C++ code.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/abi.h"

namespace hull::sys {

struct CloneRequest {
    uint64_t flags = 0; // CLONE_NEW*, CLONE_PARENT, ...
    int exit_signal = 0;
    UniqueFd* pidfd = nullptr; // set: gets a pidfd of the child
    BorrowedFd cgroup;         // valid: born in this cgroup (v2)
};
// Like fork(2): 0 in the child, the pid in the parent. CLONE_VM is not for here.
Result<pid_t> clone(const CloneRequest& request);

struct Exit {
    int status = 0; // as of waitpid(2)
};
// Waits for this child.
Result<Exit> wait_for(pid_t pid);
// Ends this process at once: no destructors, no flushing.
[[noreturn]] void exit_now(int code);

// Returns only on failure.
Error exec(const std::string& path, const std::vector<std::string>& args, const std::vector<std::string>& env);
Error exec_fd(BorrowedFd program, const std::vector<std::string>& args, const std::vector<std::string>& env);

// Of the calling process, in its own pid namespace.
pid_t process_id();

Result<UniqueFd> pidfd_open(pid_t pid);
Result<void> pidfd_signal(BorrowedFd pidfd, int signal);

// Marks every descriptor from first on close-on-exec.
Result<void> close_on_exec_from(unsigned first);
// Makes `to` a copy of fd that is open across exec. Fine when both are equal.
Result<void> duplicate_to(BorrowedFd fd, int to);
// A copy at a number of at least minimum, close-on-exec.
Result<UniqueFd> duplicate_above(BorrowedFd fd, int minimum);

// Closes every descriptor from first on that isn't in keep.
Result<void> close_all_from(unsigned first, std::span<const int> keep);

// Every signal is blocked and has its default action: for a child that goes on
// running our code until it execs.
void quiet_signals();
void unblock_signals();

pid_t own_pid(); // in our own pid namespace

Result<void> new_session();
std::vector<std::string> own_environment();
Result<void> chdir(const std::string& path);
Result<void> fchdir(BorrowedFd dir);
Result<void> chroot(const std::string& path);
Result<std::string> current_folder(); // getcwd; outside the root: starts with "(unreachable)"
mode_t set_umask(mode_t mask);
Result<void> set_no_new_privileges();
// Other processes of the container can't read /proc/<pid> of this one, nor
// reach its executable through it, until it execs.
Result<void> set_not_dumpable();
// Undoes that: the files of /proc/<pid> belong to the process's user again.
Result<void> set_dumpable();
// A new, empty session keyring, so that nothing is shared with the launcher.
// Kernels without keyrings have nothing to share.
Result<void> new_session_keyring();

} // namespace hull::sys
