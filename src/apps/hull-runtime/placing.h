// Where a container's cgroup lies, and who makes it: this program, or systemd.
#pragma once

#include "apps/hull-runtime/context.h"
#include "model/oci_spec.h"

namespace hull::oci_runtime {

// Sets cgroup_path and, with systemd's driver, unit and bus. Asks systemd only
// where a user's own instance is in charge.
Result<void> place_cgroup(const Context& context, const model::oci::Spec& spec, Container& container);
// For containers with a unit: plan is the one of their cgroup_path.
Result<void> put_in_scope(const Container& container, const model::oci::Spec& spec, kernel::cgroup::Version version,
                          kernel::cgroup::Plan& plan);
// What kernel::cgroup::remove() needs to know of it; empty without a unit.
kernel::cgroup::Scope scope_of(const Container& container);
// New limits, told to systemd too, so that it doesn't bring the old ones back.
Result<void> update_cgroup(const Context& context, const Container& container, const model::oci::Resources& resources);

} // namespace hull::oci_runtime
