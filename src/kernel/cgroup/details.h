// What `events` of the OCI command line tells beyond Usage (cgroup.h): counters
// as the kernel has them, of one kernel's make or the other's.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernel/cgroup/cgroup.h"
#include "kernel/cgroup/plan.h"

namespace hull::kernel::cgroup {

struct CpusetState {
    std::vector<uint16_t> cpus, mems;
    uint64_t cpu_exclusive = 0, mem_hardwall = 0, mem_exclusive = 0, memory_migrate = 0, memory_spread_page = 0,
             memory_spread_slab = 0, memory_pressure = 0, sched_load_balance = 0;
    int64_t sched_relax_domain_level = 0;
};

// What the machine doesn't count is 0 or empty.
struct Details {
    std::vector<uint64_t> percpu_kernel_ns, percpu_user_ns; // v1
    uint64_t memory_limit = 0;                              // as it is set; v2: UINT64_MAX when unlimited
    CpusetState cpuset;
    std::vector<IoEntry> io_queued, io_service_time, io_wait_time, io_merged, io_time, sectors; // v1
};

// places: of Cgroups::locate().
Details read_details(const Plan& places);

// "0-3,5" -> {0, 1, 2, 3, 5}; nothing for what isn't such a list.
std::vector<uint16_t> parse_ranges(std::string_view text);

} // namespace hull::kernel::cgroup
