// Running from where nobody can write to the program.
//
// A program that enters containers can be reached from inside as
// /proc/<pid>/exe and, run as root without a user namespace, be overwritten
// (CVE-2019-5736). So it runs through a read-only mount of its file that is
// attached nowhere: what no mount namespace holds, nobody can remount. Where
// that can't be had (before Linux 5.12, without CAP_SYS_ADMIN) it runs from a
// sealed copy in memory, which costs a millisecond.
#pragma once

#include "base/result.h"

namespace hull::sys {

// Call first thing in main(). Does nothing when this process runs so already;
// otherwise executes itself so, with the same arguments and environment
// (returns only with an error).
Result<void> run_unwritable(char* const argv[]);

} // namespace hull::sys
