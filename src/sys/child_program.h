// Running another program of this machine as a child: looked up in PATH, with
// our environment and, unless asked otherwise, in our session and terminal.
// (spawn.h starts our own programs in a session of their own.)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

struct ProgramRequest {
    std::vector<std::string> args;     // args[0] is looked up in PATH unless it holds a slash
    BorrowedFd input, output, error;   // invalid: inherited
    bool null_input = false;           // /dev/null as its input
    bool new_session = false;          // no terminal, survives us
    std::string folder;                // where it runs; empty: ours
    std::vector<std::string> more_env; // "NAME=value", before our own environment
};
// Safe beside threads. Signals have their default action and none is blocked in
// the child. Errors: no_such_program, not_executable, else system.
Result<pid_t> start_program(const ProgramRequest& request);

// The status as of waitpid(2) once the child has ended, nullopt before that.
Result<std::optional<int>> poll_exit(pid_t child);

} // namespace hull::sys
