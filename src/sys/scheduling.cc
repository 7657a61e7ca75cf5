#include "sys/scheduling.h"

#include <array>

#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hull::sys {

namespace {

// <linux/sched/types.h>, version 0, which clashes with glibc's <sched.h>.
struct KernelAttributes {
    uint32_t size = sizeof(KernelAttributes);
    uint32_t policy = 0;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t runtime = 0, deadline = 0, period = 0;
};
static_assert(sizeof(KernelAttributes) == 48);

constexpr int ioprio_who_process = 1;

} // namespace

Result<void> set_scheduler(const SchedulerAttributes& a) {
    KernelAttributes attributes;
    attributes.policy = a.policy;
    attributes.flags = a.flags;
    attributes.nice = a.nice;
    attributes.priority = a.priority;
    attributes.runtime = a.runtime;
    attributes.deadline = a.deadline;
    attributes.period = a.period;
    if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) return Error::from_errno("sched_setattr");
    return {};
}

Result<void> set_io_priority(uint16_t value) {
    if (::syscall(SYS_ioprio_set, ioprio_who_process, 0, int{value}) != 0) return Error::from_errno("ioprio_set");
    return {};
}

Result<void> set_cpu_affinity(std::span<const uint64_t> cpus) {
    if (::syscall(SYS_sched_setaffinity, 0, cpus.size_bytes(), cpus.data()) < 0)
        return Error::from_errno("sched_setaffinity");
    return {};
}

Result<void> forget_cpu_affinity() {
    constexpr size_t most_cpus = 8192; // CONFIG_NR_CPUS
    std::array<uint64_t, most_cpus / 64> all{};
    all.fill(~uint64_t{0});
    return set_cpu_affinity(all);
}

Result<void> set_memory_policy(uint32_t mode, std::span<const uint64_t> nodes) {
    // The kernel takes one bit off the length it is told.
    unsigned long bits = nodes.empty() ? 0 : nodes.size() * 64 + 1;
    const uint64_t* mask = nodes.empty() ? nullptr : nodes.data();
    if (::syscall(SYS_set_mempolicy, mode, mask, bits) != 0) return Error::from_errno("set_mempolicy");
    return {};
}

Result<void> set_personality(uint32_t domain) {
    if (::personality(domain) == -1) return Error::from_errno("personality");
    return {};
}

} // namespace hull::sys
