#include "kernel/cgroup/limits.h"

#include <algorithm>

namespace hull::kernel::cgroup {

namespace {

using model::oci::Resources;

Error missing(const std::string& limit, const char* what) {
    return Error(ErrorKind::unsupported, limit + " was asked for, but this machine has no " + what);
}

class V1Limits {
public:
    explicit V1Limits(const Machine& machine) : machine_(machine) {}

    Result<void> memory(const model::oci::MemoryLimits& m);
    Result<void> memory_rest(const model::oci::MemoryLimits& m);
    Result<void> cpu(const model::oci::CpuLimits& c);
    Result<void> cpuset(const model::oci::CpuLimits& c);
    Result<void> block_io(const model::oci::BlockIoLimits& b);
    Result<void> network(const model::oci::NetworkLimits& n);
    Result<void> rest(const Resources& r);

    WritesByController take() { return std::move(writes_); }

private:
    const Machine& machine_;
    WritesByController writes_;

    void add(const char* controller, std::string file, std::string value, IfMissing if_missing = IfMissing::fail) {
        writes_[controller].push_back({.file = std::move(file), .value = std::move(value), .if_missing = if_missing});
    }
};

Result<void> V1Limits::memory(const model::oci::MemoryLimits& m) {
    const Support& can = machine_.support;
    int64_t limit = m.limit.value_or(0), swap = m.swap.value_or(0);
    if (m.use_hierarchy) {
        if (!can.memory) return missing("a memory hierarchy", "memory cgroup");
        add("memory", "memory.use_hierarchy", *m.use_hierarchy ? "1" : "0",
            *m.use_hierarchy ? IfMissing::skip : IfMissing::fail);
    }
    if (limit != 0) {
        if (!can.memory) return missing("a memory limit", "memory cgroup");
        add("memory", "memory.limit_in_bytes", std::to_string(limit));
    }
    if (swap > 0 || (swap == -1 && can.swap)) {
        if (!can.swap) return missing("a swap limit", "swap accounting");
        add("memory", "memory.memsw.limit_in_bytes", std::to_string(swap));
    }
    if (m.reservation.value_or(0) != 0) {
        if (!can.memory_reservation) return missing("a memory reservation", "memory.soft_limit_in_bytes");
        add("memory", "memory.soft_limit_in_bytes", std::to_string(*m.reservation));
    }
    if (m.swappiness) {
        if (!can.swappiness) return missing("memory swappiness", "memory.swappiness");
        add("memory", "memory.swappiness", std::to_string(*m.swappiness));
    }
    return memory_rest(m);
}

Result<void> V1Limits::memory_rest(const model::oci::MemoryLimits& m) {
    const Support& can = machine_.support;
    if (m.kernel.value_or(0) > 0) {
        if (!can.memory) return missing("a kernel memory limit", "memory cgroup");
        add("memory", "memory.kmem.limit_in_bytes", std::to_string(*m.kernel));
    }
    if (m.kernel_tcp.value_or(0) > 0) {
        if (!can.memory) return missing("a kernel TCP memory limit", "memory cgroup");
        add("memory", "memory.kmem.tcp.limit_in_bytes", std::to_string(*m.kernel_tcp));
    }
    if (m.disable_oom_killer.value_or(false)) {
        if (!can.oom_kill_disable) return missing("disabling the OOM killer", "memory.oom_control");
        add("memory", "memory.oom_control", "1");
    }
    return {};
}

Result<void> V1Limits::cpu(const model::oci::CpuLimits& c) {
    const Support& can = machine_.support;
    if (c.shares.value_or(0) != 0) {
        if (!can.cpu_shares) return missing("cpu shares", "cpu cgroup");
        add("cpu", "cpu.shares", std::to_string(*c.shares));
    }
    bool period = c.period.value_or(0) != 0, quota = c.quota.value_or(0) != 0;
    if ((period || quota) && !can.cpu_quota) return missing("a cpu quota", "CFS bandwidth control");
    if (period) add("cpu", "cpu.cfs_period_us", std::to_string(*c.period));
    if (quota) add("cpu", "cpu.cfs_quota_us", std::to_string(*c.quota));
    if (c.burst.value_or(0) != 0 && !can.cpu_quota) return missing("a cpu burst", "CFS bandwidth control");
    if (c.burst && can.cpu_quota)
        add("cpu", "cpu.cfs_burst_us", std::to_string(*c.burst), *c.burst == 0 ? IfMissing::skip : IfMissing::fail);
    bool rt_period = c.realtime_period.value_or(0) != 0, rt_runtime = c.realtime_runtime.value_or(0) != 0;
    if ((rt_period || rt_runtime) && !can.cpu_realtime) return missing("a cpu realtime limit", "realtime groups");
    if (rt_period) add("cpu", "cpu.rt_period_us", std::to_string(*c.realtime_period));
    if (rt_runtime) add("cpu", "cpu.rt_runtime_us", std::to_string(*c.realtime_runtime));
    if (c.idle.value_or(0) != 0 && !can.cpu_shares) return missing("cpu idle", "cpu cgroup");
    if (c.idle && can.cpu_shares)
        add("cpu", "cpu.idle", std::to_string(*c.idle), *c.idle == 0 ? IfMissing::skip : IfMissing::fail);
    return {};
}

Result<void> V1Limits::cpuset(const model::oci::CpuLimits& c) {
    if (c.cpus.empty() && c.mems.empty()) return {};
    if (!machine_.support.cpuset) return missing("a cpuset", "cpuset cgroup");
    auto& writes = writes_["cpuset"];
    // A folder without both can't hold processes.
    writes.push_back({.file = "cpuset.cpus", .value = c.cpus, .inherit = c.cpus.empty()});
    writes.push_back({.file = "cpuset.mems", .value = c.mems, .inherit = c.mems.empty()});
    return {};
}

std::string device_line(int64_t major, int64_t minor, uint64_t value) {
    return std::to_string(major) + ":" + std::to_string(minor) + " " + std::to_string(value);
}

Result<void> V1Limits::block_io(const model::oci::BlockIoLimits& b) {
    const Support& can = machine_.support;
    std::string prefix = machine_.bfq_weight ? "blkio.bfq." : "blkio.";
    bool leaf = b.leaf_weight.value_or(0) != 0;
    for (const auto& device : b.weight_device) leaf = leaf || device.leaf_weight.value_or(0) != 0;
    if (leaf) return missing("a block I/O leaf weight", "CFQ scheduler");
    if (b.weight.value_or(0) != 0) {
        if (!can.io_weight) return missing("a block I/O weight", "scheduler with weights");
        add("blkio", prefix + "weight", std::to_string(*b.weight));
    }
    for (const auto& device : b.weight_device) {
        if (device.weight.value_or(0) == 0) continue;
        if (!can.io_weight) return missing("a block I/O weight of a device", "scheduler with weights");
        add("blkio", prefix + "weight_device", device_line(device.major, device.minor, *device.weight));
    }
    auto throttle = [&](const std::vector<model::oci::ThrottleDevice>& devices, const char* file) {
        for (const auto& d : devices) add("blkio", file, device_line(d.major, d.minor, d.rate));
        return devices.empty();
    };
    bool none = throttle(b.throttle_read_bps, "blkio.throttle.read_bps_device");
    none = throttle(b.throttle_write_bps, "blkio.throttle.write_bps_device") && none;
    none = throttle(b.throttle_read_iops, "blkio.throttle.read_iops_device") && none;
    none = throttle(b.throttle_write_iops, "blkio.throttle.write_iops_device") && none;
    if (!none && !can.io_throttle) return missing("block I/O throttling", "blkio throttling");
    return {};
}

Result<void> V1Limits::network(const model::oci::NetworkLimits& n) {
    const Support& can = machine_.support;
    if (n.class_id.value_or(0) != 0 && !can.net_cls) return missing("a network class", "net_cls cgroup");
    if (n.class_id && can.net_cls) add("net_cls", "net_cls.classid", std::to_string(*n.class_id));
    if (!n.priorities.empty() && !can.net_prio) return missing("a network priority", "net_prio cgroup");
    for (const auto& p : n.priorities) add("net_prio", "net_prio.ifpriomap", p.name + " " + std::to_string(p.priority));
    return {};
}

Result<void> V1Limits::rest(const Resources& r) {
    const Support& can = machine_.support;
    if (r.pids_limit && *r.pids_limit >= 0) {
        if (!can.pids) return missing("a limit of processes", "pids cgroup");
        add("pids", "pids.max", std::to_string(std::max(*r.pids_limit, least_pids)));
    } else if (r.pids_limit && can.pids) {
        add("pids", "pids.max", "max");
    }
    for (const auto& page : r.hugepage_limits) {
        if (!can.hugepages) return missing("a limit of huge pages", "hugetlb cgroup");
        // Reservations too, where the kernel counts them (5.7).
        add("hugetlb", "hugetlb." + page.page_size + ".limit_in_bytes", std::to_string(page.limit));
        add("hugetlb", "hugetlb." + page.page_size + ".rsvd.limit_in_bytes", std::to_string(page.limit),
            IfMissing::skip);
    }
    for (const auto& [device, limit] : r.rdma) {
        if (!can.rdma) return missing("a limit of rdma device " + device, "rdma cgroup");
        add("rdma", "rdma.max", rdma_line(device, limit));
    }
    if (!r.unified.empty()) return missing("\"" + r.unified.begin()->first + "\" of cgroup v2", "cgroup v2 in charge");
    return {};
}

} // namespace

Result<WritesByController> v1_limits(const Resources& resources, const Machine& machine) {
    TRY(check_limits(resources));
    V1Limits limits(machine);
    if (resources.memory) TRY(limits.memory(*resources.memory));
    if (resources.cpu) TRY(limits.cpu(*resources.cpu));
    if (resources.cpu) TRY(limits.cpuset(*resources.cpu));
    if (resources.block_io) TRY(limits.block_io(*resources.block_io));
    if (resources.network) TRY(limits.network(*resources.network));
    TRY(limits.rest(resources));
    return limits.take();
}

} // namespace hull::kernel::cgroup
