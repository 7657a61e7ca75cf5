// How the kernel schedules the calling thread: CPU, I/O, memory nodes, and its
// execution domain. All of it is inherited by what the thread forks.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace hull::sys {

struct SchedulerAttributes { // struct sched_attr of sched_setattr(2)
    uint32_t policy = 0;     // SCHED_*
    uint64_t flags = 0;      // SCHED_FLAG_*
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t runtime = 0, deadline = 0, period = 0; // ns
};
Result<void> set_scheduler(const SchedulerAttributes& attributes);

// ioprio_set(2) of the calling process: class and level as IOPRIO_PRIO_VALUE.
Result<void> set_io_priority(uint16_t value);

// Bit n % 64 of element n / 64 is CPU n.
Result<void> set_cpu_affinity(std::span<const uint64_t> cpus);
// Every CPU that the cgroup allows.
Result<void> forget_cpu_affinity();

// set_mempolicy(2): MPOL_* with MPOL_F_*; nodes as CPUs above.
Result<void> set_memory_policy(uint32_t mode, std::span<const uint64_t> nodes);

Result<void> set_personality(uint32_t domain);

} // namespace hull::sys
