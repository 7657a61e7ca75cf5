// What process 1 does in its new namespaces until its root is the container's
// and everything is mounted in it.
#pragma once

#include <span>

#include "runtime/prepared.h"
#include "runtime/step.h"

namespace hull::runtime {

std::span<const Step<Launching>> init_steps();

} // namespace hull::runtime
