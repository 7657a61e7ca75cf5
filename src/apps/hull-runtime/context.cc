#include "apps/hull-runtime/context.h"

#include <unistd.h>

#include "sys/directory.h"
#include "sys/file.h"

namespace hull::oci_runtime {

Result<void> Context::need_cgroups() {
    if (!cgroups) cgroups = TRY(kernel::cgroup::detect());
    return {};
}

Error unfinished(const std::string& id) {
    return {ErrorKind::conflict, "container " + id + " is unfinished: its create was killed; delete it"};
}

void remove_default_cgroup_parent(Context& context, std::string_view path) {
    if (path.starts_with('/')) path.remove_prefix(1);
    if (!path.starts_with(default_cgroup_parent) || !context.cgroups) return;
    // In every hierarchy: one that was killed may have made it in more of them
    // than the container itself.
    auto parent = context.cgroups->locate(default_cgroup_parent);
    if (!parent.ok()) return;
    for (const auto& dir : parent->dirs) (void)sys::rmdir(dir.folder());
}

Result<void> print(const std::string& text) { return sys::write_all(BorrowedFd(STDOUT_FILENO), text); }

} // namespace hull::oci_runtime
