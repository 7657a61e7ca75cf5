// What instructions may hold, before any of them is carried out, in stages that
// aren't needed too: which flags, how many words. What depends on variables is
// known at the step alone. Source: Dockerfile reference.
#pragma once

#include "build/dockerfile.h"

namespace hull::build {

// Errors: invalid_argument, with the line and the word that it is about.
Result<void> check_syntax(const Dockerfile& file);

} // namespace hull::build
