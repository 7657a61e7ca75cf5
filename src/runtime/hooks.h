// Running one OCI hook: a program that reads the container's state.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "runtime/plan.h"

namespace hull::runtime {

// The state as hooks get it: base is the JSON object without status and pid.
std::string hook_state(const std::string& base, const char* status, pid_t pid);

// What a hook runs in, beside what it inherits.
struct HookSurroundings {
    const std::vector<std::string>* env = nullptr; // of a hook that names no environment; null: the caller's own
    std::function<Result<void>()> confine = {};    // called in the hook's process, last before exec
};

// Runs the hook with state_json on its standard input and waits. Errors: it
// can't be run, ended with other than 0 (the message holds the last of what it
// wrote to standard error), or took longer than its timeout (it is killed).
// For single-threaded callers: it forks.
Result<void> run_hook(const HookPlan& hook, const std::string& state_json, const HookSurroundings& around = {});

// "error running <kind> hook #<index>", counted from 0, as runc says it.
std::string hook_failure(const char* kind, size_t index);

} // namespace hull::runtime
