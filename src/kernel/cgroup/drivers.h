// The variants of Cgroups; detect() chooses one. Tests make them from a Machine
// of their own.
#pragma once

#include <functional>
#include <memory>

#include "kernel/cgroup/cgroup.h"
#include "kernel/cgroup/layout.h"

namespace hull::kernel::cgroup {

std::unique_ptr<Cgroups> make_v1(Machine machine);
std::unique_ptr<Cgroups> make_v2(Machine machine);
// No cgroups at all: plans without limits are empty, everything else is
// unsupported.
std::unique_ptr<Cgroups> make_none(Machine machine);

// ---- what the variants share ----------------------------------------------

// Pids of folder and of all below it. not_found when folder is missing.
Result<std::vector<pid_t>> pids_below(const std::string& folder);
// SIGKILL until none is left. thaw: called once after the first round.
Result<void> kill_below(const std::string& folder, const std::function<void()>& thaw);
// Polls until done() says true; timed_out after patience_ms.
Result<void> wait_until(const std::function<Result<bool>()>& done, int patience_ms, const char* what);
constexpr int freeze_patience_ms = 5000;

} // namespace hull::kernel::cgroup
