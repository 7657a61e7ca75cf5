// Running another program and reading what it prints. Safe in programs with
// threads (posix_spawn).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace hull::sys {

struct ProgramOutput {
    int exit_code = 0;  // 128 + signal when killed by one
    std::string output; // standard output and error, at most limit bytes
};

struct RunOptions {
    std::optional<std::vector<std::string>> environment = {}; // "NAME=value"; none: ours
    std::stop_token stop = {};                                // then it and what it started are killed: error cancelled
};

// program is looked for in PATH; args starts with argv[0]. Standard input is
// /dev/null. Error too_large: it printed more than limit bytes (and was killed).
Result<ProgramOutput> run_program(const std::string& program, const std::vector<std::string>& args, size_t limit,
                                  const RunOptions& options = {});

} // namespace hull::sys
