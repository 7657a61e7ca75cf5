// From inside the container to the user's program: session, terminal, limits,
// user, capabilities, working folder, exec. The same for a container's first
// process and for one that joins.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "runtime/launch.h"
#include "runtime/plan.h"
#include "runtime/report_writer.h"
#include "runtime/step.h"
#include "runtime/users.h"
#include "sys/terminal.h"

namespace hull::runtime {

struct Starting {
    const ProcessPlan& process;
    std::span<const IdRange> uid_map, gid_map;
    const LaunchFds& stdio;
    ReportWriter& report;
    Gate gate = Gate::none;
    bool is_init = false;                          // the container's first: its terminal is /dev/console too
    std::function<Result<void>()> after_gate = {}; // as the user already; empty: nothing to do

    UniqueFd host_proc = {}; // open_proc_for_labels(); closed with the labels written
    UniqueFd root = {};      // "/" of the container
    sys::Terminal terminal = {};
    ResolvedUser user = {};
    std::vector<std::string> env = {};
    std::string program = {};
};

// Up to the point where only the gate and exec are left.
std::span<const Step<Starting>> process_steps();
// The seccomp filter for a process that runs before s's own; none where an agent
// is told of each filter.
Result<void> confine_hook(const Starting& s);
// Gate, hooks, seccomp, exec. Returns only with an error.
Error become_program(Starting& s);

} // namespace hull::runtime
