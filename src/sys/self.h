// Settings of this process.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace hull::sys {

// As many descriptors as the hard limit allows.
void raise_descriptor_limit();
// Orphaned descendants become children of this process.
Result<void> become_subreaper();

} // namespace hull::sys
