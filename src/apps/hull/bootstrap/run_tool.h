// Running a program of this machine to its end.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::cli {

struct ToolRequest {
    std::vector<std::string> args;
    std::string folder;  // where it runs
    std::string package; // what to install when it isn't there
};
// Its standard output (at most 16 MiB). Errors: no_such_program, saying which
// package has it; else what it wrote to standard error last.
Result<std::string> run_tool(const ToolRequest& request);

// "mmdebstrap is not installed: apt-get install mmdebstrap"
Error missing_tool(const std::string& program, const std::string& package);
// "exit code 1", "signal TERM", of a status of waitpid(2); empty when all is well.
std::string bad_end(int status);

} // namespace hull::cli
