// What a container uses, put together from its cgroups, its network interfaces
// and the machine's clock.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/runtime_port.h"
#include "kernel/cgroup/cgroup.h"

namespace hull {

// pid: whose network interfaces count; 0: none (the host's network).
Result<engine::ResourceUsage> read_usage(const kernel::cgroup::Cgroups& cgroups, const std::string& cgroup, int pid);

// The texts of /proc/<pid>/net/dev (without lo) and /proc/stat.
std::map<std::string, engine::NetworkCounters> parse_net_dev(std::string_view text);
struct MachineCpu {
    uint64_t total_ns = 0;
    unsigned online = 0;
};
MachineCpu parse_proc_stat(std::string_view text);

} // namespace hull
