// Starting another program as a child of its own session. Safe in programs
// with threads.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

struct SpawnRequest {
    std::string program;           // a path
    std::vector<std::string> args; // with args[0]
    // {ours, number in the child}; everything else that is close-on-exec is closed.
    std::vector<std::pair<BorrowedFd, int>> fds;
};
// A new session, default signals. Returns when the program was executed; the
// caller reaps it.
Result<pid_t> spawn(const SpawnRequest& request);

} // namespace hull::sys
