// The procfs of the tree that this process began in, for what can only be asked
// by way of /proc/self/fd when a newer system call is missing. Once a container's
// root is entered, its /proc is whatever the container made of it; this one isn't.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Opens it while "/proc" is still the host's, if one of the fallbacks may want it
// later, at a number of at least minimum. Nothing where the kernel has all calls.
void keep_own_proc(int minimum);

// The root of a procfs, O_PATH; invalid when /proc is none, or after
// forget_own_proc(). Opened at the first use. Thread-safe.
BorrowedFd own_proc();
// Closes it for good.
void forget_own_proc();

// What /proc/self/fd/<fd> points at: the path of an open file. not_found without
// a procfs.
Result<std::string> path_of(BorrowedFd fd);

} // namespace hull::sys
