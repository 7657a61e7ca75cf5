// Policy -> BPF.
#pragma once

#include <string>

#include "kernel/seccomp/policy.h"

namespace hull::kernel::seccomp {

// struct sock_filter[] as bytes. Errors: too_large when the kernel wouldn't
// take it. The same policy gives the same bytes.
//
// The program tests the architecture, finds the number by binary search over
// ranges of equal verdicts, and compares arguments where there are conditions.
// An architecture that isn't listed kills the thread.
Result<std::string> make_program(const Policy& policy);

} // namespace hull::kernel::seccomp
