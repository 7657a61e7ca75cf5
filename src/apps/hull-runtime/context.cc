#include "apps/hull-runtime/context.h"

#include <unistd.h>

#include "sys/file.h"

namespace hull::oci_runtime {

Result<void> Context::need_cgroups() {
    if (!cgroups) cgroups = TRY(kernel::cgroup::detect());
    return {};
}

Error unfinished(const std::string& id) {
    return {ErrorKind::conflict, "container " + id + " is unfinished: its create was killed; delete it"};
}

Result<void> print(const std::string& text) { return sys::write_all(BorrowedFd(STDOUT_FILENO), text); }

} // namespace hull::oci_runtime
