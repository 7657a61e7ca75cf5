// For tests: a kernel, or a sandbox, that lacks system calls. A filter of this
// process and all its children answers instead of the kernel.
//
// A whole suite can be run so: its program, started again with the variable
// HULL_DENIED_CALLS, denies these calls before main() (a *_test.cc that includes
// this header is enough), and passes_without() says whether it passed.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <string>

#include "base/result.h"

namespace hull::sys {

// Comma-separated names, each with the errno it answers, ENOSYS when none is
// said: "openat2,clone3=EPERM". "mount-api" is all six calls of it, "linux-5.10"
// what that kernel lacks, as far as a filter can say. Needs CAP_SYS_ADMIN.
Result<void> deny_calls(const std::string& list);

// Whether the tests of this program that match the filter of GoogleTest pass
// without these calls; what they printed, if not.
Result<void> passes_without(const std::string& calls, const std::string& filter);

// The same for several lists, all at a time, as such runs mostly wait.
Result<void> passes_without_any_of(std::initializer_list<const char*> lists, const std::string& filter);

inline const bool calls_are_denied = [] {
    const char* list = std::getenv("HULL_DENIED_CALLS");
    if (!list) return false;
    MUST(deny_calls(list));
    return true;
}();

} // namespace hull::sys
