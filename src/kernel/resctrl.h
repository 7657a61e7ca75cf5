// Intel's Resource Director Technology by the kernel's resctrl file system:
// classes of service (folders of it) for caches and memory bandwidth.
// Source: OCI Runtime Specification 1.3, config-linux.md, "IntelRdt"; the
// kernel's filesystems/resctrl.rst.
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::kernel {

// Where resctrl is mounted in the caller's mount namespace. unsupported when
// it is nowhere.
Result<std::string> find_resctrl();

// Puts the process into the class that config names, or one of the container's
// own, made as the configuration says. On error what was made is removed.
// resctrl: from find_resctrl(). Errors: conflict when the class exists with
// another schema, not_found when it should exist and doesn't.
Result<void> join_resctrl(const std::string& resctrl, const std::string& container_id,
                          const model::oci::IntelRdt& config, pid_t pid);
// Removes what belongs to the container alone; missing is fine.
Result<void> leave_resctrl(const std::string& resctrl, const std::string& container_id,
                           const model::oci::IntelRdt& config);
// Writes lines to the schemata file of the container's class.
Result<void> write_schemata(const std::string& resctrl, const std::string& container_id,
                            const model::oci::IntelRdt& config);

// Everything that is wrong with it on any machine: names the member.
Result<void> check_intel_rdt(const model::oci::IntelRdt& config);

} // namespace hull::kernel
