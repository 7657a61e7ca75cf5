#include "apps/hull-runtime/processes.h"

#include <charconv>

#include "sys/file.h"
#include "sys/namespace.h"

namespace hull::oci_runtime {

namespace {

std::string pid_namespace_file(const std::string& process) { return "/proc/" + process + "/ns/pid"; }

// Those that have just ended, and those of others, can't be looked at.
Result<std::vector<pid_t>> in_pid_namespace(const sys::NamespaceId& wanted) {
    std::vector<pid_t> pids;
    for (const std::string& name : TRY(sys::list_dir("/proc"))) {
        pid_t pid = 0;
        auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc{} || end != name.data() + name.size()) continue;
        auto theirs = sys::namespace_id(pid_namespace_file(name));
        if (theirs.ok() && *theirs == wanted) pids.push_back(pid);
    }
    return pids;
}

} // namespace

Result<std::vector<pid_t>> processes_of(Context& context, const Container& container) {
    if (!container.cgroup_path.empty()) {
        TRY(context.need_cgroups());
        auto pids = context.cgroups->pids(container.cgroup_path);
        if (!pids.ok() && pids.error().kind() == ErrorKind::not_found) return std::vector<pid_t>{};
        return pids;
    }
    if (!is_alive(container)) return std::vector<pid_t>{};
    auto theirs = sys::namespace_id(pid_namespace_file(std::to_string(container.pid)));
    if (!theirs.ok() && !is_alive(container)) return std::vector<pid_t>{};
    auto id = TRY(std::move(theirs));
    if (id == TRY(sys::namespace_id(pid_namespace_file("self"))))
        return Error(ErrorKind::unsupported, "container " + container.id +
                                                 " has neither a cgroup nor a pid namespace of its own, so its "
                                                 "processes can't be told from others");
    return in_pid_namespace(id);
}

Result<void> need_cgroup_of(const Container& container, const char* doing) {
    if (!container.cgroup_path.empty()) return {};
    return Error(ErrorKind::unsupported, std::string(doing) + " needs a cgroup, and container " + container.id +
                                             " has none: this user was not allowed to make one");
}

} // namespace hull::oci_runtime
