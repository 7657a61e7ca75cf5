// Running from a sealed copy of oneself.
//
// A program that enters containers can be reached from inside as
// /proc/<pid>/exe and, run as root without a user namespace, be overwritten
// (CVE-2019-5736). From a sealed memory file there is nothing to overwrite.
#pragma once

#include "base/result.h"

namespace hull::sys {

// Call first thing in main(). Does nothing when this process runs from a
// sealed copy already; otherwise makes one and executes it with the same
// arguments and environment (returns only with an error).
Result<void> run_from_sealed_copy(char* const argv[]);

} // namespace hull::sys
