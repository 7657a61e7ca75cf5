// The keeper's main(): arguments, a server made or taken over, its loop.
#pragma once

#include "runtime/keeper/starter.h"

namespace hull::keeper {

// Returns the exit code.
int run_program(int argc, char** argv, Starter& starter);

} // namespace hull::keeper
