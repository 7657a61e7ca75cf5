// Linux security modules: the AppArmor profile and the SELinux label that a
// process gets when it executes its program.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::kernel {

// Whether the running kernel enforces it. By sysfs and selinuxfs of the caller.
bool apparmor_enabled();
bool selinux_enabled();

// From the calling thread's next exec on. proc: the root of a procfs that the
// caller mounted or trusts; that what is written is an attribute of procfs is
// verified (CVE-2019-16884). The label is read back and compared. Errors:
// unsupported without the module, else the kernel's (ENOENT: no such profile).
Result<void> set_exec_apparmor(BorrowedFd proc, const std::string& profile);
Result<void> set_exec_selinux(BorrowedFd proc, const std::string& label);

} // namespace hull::kernel
