#include "kernel/cgroup/limits.h"

namespace hull::kernel::cgroup {

namespace {

using model::oci::Resources;

std::string max_or(int64_t value) { return value < 0 ? "max" : std::to_string(value); }

class V2Limits {
public:
    explicit V2Limits(const Machine& machine) : machine_(machine) {}

    Result<void> memory(const model::oci::MemoryLimits& m);
    Result<void> cpu(const model::oci::CpuLimits& c);
    Result<void> block_io(const model::oci::BlockIoLimits& b);
    Result<void> rest(const Resources& r);

    std::vector<Write> take() { return std::move(writes_); }

private:
    const Machine& machine_;
    std::vector<Write> writes_;

    Result<void> add(const std::string& limit, const char* controller, std::string file, std::string value) {
        if (!machine_.unified_controllers.contains(controller))
            return Error(ErrorKind::unsupported,
                         limit + " was asked for, but this machine has no " + controller + " controller");
        writes_.push_back({.file = std::move(file), .value = std::move(value)});
        return {};
    }
    static Error unsupported(const std::string& limit) {
        return Error(ErrorKind::unsupported, limit + " was asked for, which cgroup v2 doesn't have");
    }
};

Result<void> V2Limits::memory(const model::oci::MemoryLimits& m) {
    int64_t limit = m.limit.value_or(0), swap = m.swap.value_or(0);
    if (limit != 0) TRY(add("a memory limit", "memory", "memory.max", max_or(limit)));
    if (swap > 0) {
        // The specification counts memory and swap together, v2 swap alone.
        if (limit <= 0)
            return Error(ErrorKind::invalid_argument, "a memory+swap limit needs a memory limit on cgroup v2");
        if (!machine_.support.swap)
            return Error(ErrorKind::unsupported, "a swap limit was asked for, but this machine has no swap accounting");
        TRY(add("a swap limit", "memory", "memory.swap.max", std::to_string(swap - limit)));
    } else if (swap == -1 && machine_.support.swap) {
        TRY(add("a swap limit", "memory", "memory.swap.max", "max"));
    }
    if (m.reservation.value_or(0) != 0)
        TRY(add("a memory reservation", "memory", "memory.low", max_or(*m.reservation)));
    if (m.swappiness) return unsupported("memory swappiness");
    if (m.kernel.value_or(0) > 0) return unsupported("a kernel memory limit");
    if (m.kernel_tcp.value_or(0) > 0) return unsupported("a kernel TCP memory limit");
    if (m.disable_oom_killer.value_or(false)) return unsupported("disabling the OOM killer");
    return {};
}

Result<void> V2Limits::cpu(const model::oci::CpuLimits& c) {
    if (c.shares.value_or(0) != 0)
        TRY(add("cpu shares", "cpu", "cpu.weight", std::to_string(weight_of_shares(*c.shares))));
    int64_t quota = c.quota.value_or(0);
    uint64_t period = c.period.value_or(0);
    if (quota != 0 || period != 0) {
        std::string value = quota > 0 ? std::to_string(quota) : "max";
        if (period != 0) value += " " + std::to_string(period);
        TRY(add("a cpu quota", "cpu", "cpu.max", std::move(value)));
    }
    if (c.burst.value_or(0) != 0) TRY(add("a cpu burst", "cpu", "cpu.max.burst", std::to_string(*c.burst)));
    if (c.idle) TRY(add("cpu idle", "cpu", "cpu.idle", std::to_string(*c.idle)));
    if (c.realtime_period.value_or(0) != 0 || c.realtime_runtime.value_or(0) != 0)
        return unsupported("a cpu realtime limit");
    if (!c.cpus.empty()) TRY(add("a cpuset", "cpuset", "cpuset.cpus", c.cpus));
    if (!c.mems.empty()) TRY(add("a cpuset", "cpuset", "cpuset.mems", c.mems));
    return {};
}

Result<void> V2Limits::block_io(const model::oci::BlockIoLimits& b) {
    if (b.leaf_weight.value_or(0) != 0) return unsupported("a block I/O leaf weight");
    if (b.weight.value_or(0) != 0)
        TRY(add("a block I/O weight", "io", "io.weight", "default " + std::to_string(weight_of_blkio(*b.weight))));
    auto name = [](int64_t major, int64_t minor) { return std::to_string(major) + ":" + std::to_string(minor) + " "; };
    for (const auto& d : b.weight_device) {
        if (d.leaf_weight.value_or(0) != 0) return unsupported("a block I/O leaf weight");
        if (d.weight.value_or(0) != 0)
            TRY(add("a block I/O weight of a device", "io", "io.weight",
                    name(d.major, d.minor) + std::to_string(weight_of_blkio(*d.weight))));
    }
    auto throttle = [&](const std::vector<model::oci::ThrottleDevice>& devices, const char* key) -> Result<void> {
        for (const auto& d : devices)
            TRY(add("block I/O throttling", "io", "io.max",
                    name(d.major, d.minor) + key + "=" + (d.rate == 0 ? "max" : std::to_string(d.rate))));
        return {};
    };
    TRY(throttle(b.throttle_read_bps, "rbps"));
    TRY(throttle(b.throttle_write_bps, "wbps"));
    TRY(throttle(b.throttle_read_iops, "riops"));
    TRY(throttle(b.throttle_write_iops, "wiops"));
    return {};
}

Result<void> V2Limits::rest(const Resources& r) {
    if (r.pids_limit && *r.pids_limit > 0)
        TRY(add("a limit of processes", "pids", "pids.max", std::to_string(*r.pids_limit)));
    else if (r.pids_limit && machine_.support.pids)
        TRY(add("a limit of processes", "pids", "pids.max", "max"));
    for (const auto& page : r.hugepage_limits)
        TRY(add("a limit of huge pages", "hugetlb", "hugetlb." + page.page_size + ".max", std::to_string(page.limit)));
    for (const auto& [file, value] : r.unified) writes_.push_back({.file = file, .value = value});
    return {};
}

} // namespace

Result<std::vector<Write>> v2_limits(const Resources& resources, const Machine& machine) {
    TRY(check_limits(resources));
    V2Limits limits(machine);
    if (resources.memory) TRY(limits.memory(*resources.memory));
    if (resources.cpu) TRY(limits.cpu(*resources.cpu));
    if (resources.block_io) TRY(limits.block_io(*resources.block_io));
    TRY(limits.rest(resources));
    return limits.take();
}

} // namespace hull::kernel::cgroup
