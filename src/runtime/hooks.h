// Running one OCI hook: a program that reads the container's state.
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "runtime/plan.h"

namespace hull::runtime {

// The state as hooks get it: base is the JSON object without status and pid.
std::string hook_state(const std::string& base, const char* status, pid_t pid);

// Runs the hook with state_json on its standard input and waits. Errors: it
// can't be run, ended with other than 0 (the message holds the last of what it
// wrote to standard error), or took longer than its timeout (it is killed).
// For single-threaded callers: it forks.
Result<void> run_hook(const HookPlan& hook, const std::string& state_json);

} // namespace hull::runtime
