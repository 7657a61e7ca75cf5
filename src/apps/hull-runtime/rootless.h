// Being used by somebody who isn't root of the machine.
#pragma once

#include <string>

#include "apps/hull-runtime/context.h"
#include "base/result.h"
#include "model/oci_spec.h"
#include "runtime/plan.h"

namespace hull::oci_runtime {

// Fills in context.privileges and context.cgroup_errors. flag: of --rootless,
// "auto" (or nothing) or what Go takes for a boolean.
Result<void> set_up_rootless(Context& context, const std::string& flag);

// Where state lies without --root: below XDG_RUNTIME_DIR, if that is set, for
// who isn't root of the machine; it gets the sticky bit, so that nobody clears
// it away as old (XDG Base Directory Specification).
std::string default_root(const Context& context);

// What a user without privileges can't have at all, said before anything is made.
Result<void> check_rootless(const Context& context, const model::oci::Spec& spec);

// Where the container's cgroup goes when config.json has no path.
std::string default_cgroup_path(const Context& context, const std::string& id);
// What is to be made and written at container.cgroup_path. With
// CgroupErrors::tolerated that is as much as this user may, perhaps nothing,
// and what stays unlimited is told as a warning.
Result<runtime::CgroupPlan> plan_cgroup(const Context& context, const Container& container,
                                        const model::oci::Resources& resources);

// A warning when the container's score isn't the one asked for.
void compare_oom_score(const Context& context, const model::oci::Process& process, pid_t pid);

} // namespace hull::oci_runtime
