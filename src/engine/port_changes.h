// Ports published and taken back while a container exists.
#pragma once

#include <vector>

#include "engine/container.h"
#include "engine/containers.h"
#include "engine/core.h"
#include "engine/port_bindings.h"

namespace hull::engine {

struct PortPlan {
    PortChanges::Bindings bindings;         // what its settings say then
    std::vector<PortWish> add;              // to publish
    std::vector<model::PublishedPort> gone; // to take back
};

// Under container.operation(); nothing is changed. Errors: invalid_argument, not_found (not published).
Result<PortPlan> plan_ports(const Container& container, const PortChanges& changes);
// Of a container that runs: all of it or none. Errors: conflict (taken, no network of its own).
Result<void> apply_ports(Core& core, Container& container, const PortPlan& plan);

} // namespace hull::engine
