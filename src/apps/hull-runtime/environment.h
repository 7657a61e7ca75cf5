// What surrounds a container beside what the launcher makes: network devices
// handed over, its class of service, mounts in a namespace that isn't its own.
#pragma once

#include "apps/hull-runtime/container.h"
#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::oci_runtime {

// A user namespace given by its path has its mappings already: takes them into
// the configuration when it has none.
Result<void> complete_mappings(model::oci::Spec& spec);

// While init (container.pid) waits at its hooks.
Result<void> equip(const Container& container, const model::oci::Spec& spec);

// Undoes equip() as far as it doesn't go with the namespaces. For delete and
// failed creates.
Result<void> strip(const Container& container, const model::oci::Spec& spec);

// Whether the container's root is mounted in the caller's own mount namespace.
bool shares_mounts(const model::oci::Spec& spec);

} // namespace hull::oci_runtime
