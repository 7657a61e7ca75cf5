// A container's plan with systemd in charge of its cgroup.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "kernel/cgroup/cgroup.h"
#include "kernel/cgroup/plan.h"
#include "kernel/cgroup/systemd/unit.h"
#include "model/oci_spec.h"

namespace hull::kernel::cgroup::systemd {

struct ScopeRequest {
    std::string bus;   // address_of()
    std::string unit;  // Placement::unit
    std::string slice; // Placement::slice
    std::string description;
    std::map<std::string, std::string> annotations; // all of the container's
};

// Turns the plan of the container's path into one with a scope, whose
// properties say the plan's limits and the device rules. Pure.
Result<void> put_in_scope(Plan& plan, Version version, const model::oci::Resources& resources,
                          const ScopeRequest& request);

// For set_properties() of a scope in use; plan: the one of the new limits.
std::string update_properties(const Plan& plan, const model::oci::Resources& resources);

} // namespace hull::kernel::cgroup::systemd
