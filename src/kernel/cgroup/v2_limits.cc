#include "kernel/cgroup/limits.h"

#include <algorithm>

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

    Result<void> swap(int64_t limit, int64_t swap);
    Result<void> weight(const std::string& device, uint16_t weight);
    Result<void> unified(const std::string& file, std::string_view value);
    Result<void> add(const std::string& limit, const char* controller, std::string file, std::string value,
                     IfMissing if_missing = IfMissing::fail) {
        if (!machine_.unified_controllers.contains(controller))
            return Error(ErrorKind::unsupported,
                         limit + " was asked for, but this machine has no " + controller + " controller");
        writes_.push_back({.file = std::move(file), .value = std::move(value), .if_missing = if_missing});
        return {};
    }
    bool has(const char* controller) const { return machine_.unified_controllers.contains(controller); }
    static Error unsupported(const std::string& limit) {
        return Error(ErrorKind::unsupported, limit + " was asked for, which cgroup v2 doesn't have");
    }
};

// The specification counts memory and swap together, v2 swap alone.
Result<void> V2Limits::swap(int64_t limit, int64_t swap) {
    // Unlimited memory alone means both, as it does on v1.
    if (limit == -1 && swap == 0) swap = -1;
    if (swap == 0) return {};
    if (swap > 0 && limit == 0)
        return Error(ErrorKind::invalid_argument, "a memory+swap limit needs a memory limit on cgroup v2");
    if (!machine_.support.swap) {
        if (swap == -1 || swap == limit) return {}; // a kernel that can't swap
        return Error(ErrorKind::unsupported, "a swap limit was asked for, but this machine has no swap accounting");
    }
    int64_t alone = swap == -1 || limit == -1 ? swap : swap - limit;
    return add("a swap limit", "memory", "memory.swap.max", max_or(alone),
               alone == -1 ? IfMissing::skip : IfMissing::fail);
}

Result<void> V2Limits::memory(const model::oci::MemoryLimits& m) {
    int64_t limit = m.limit.value_or(0);
    if (limit != 0) TRY(add("a memory limit", "memory", "memory.max", max_or(limit)));
    TRY(swap(limit, m.swap.value_or(0)));
    if (m.reservation.value_or(0) != 0)
        TRY(add("a memory reservation", "memory", "memory.low", max_or(*m.reservation)));
    if (m.swappiness) return unsupported("memory swappiness");
    if (m.kernel.value_or(0) > 0) return unsupported("a kernel memory limit");
    if (m.kernel_tcp.value_or(0) > 0) return unsupported("a kernel TCP memory limit");
    if (m.disable_oom_killer.value_or(false)) return unsupported("disabling the OOM killer");
    if (!m.use_hierarchy.value_or(true)) return unsupported("memory without a hierarchy");
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
    if (c.burst && (*c.burst != 0 || has("cpu")))
        TRY(add("a cpu burst", "cpu", "cpu.max.burst", std::to_string(*c.burst),
                *c.burst == 0 ? IfMissing::skip : IfMissing::fail));
    if (c.idle && (*c.idle != 0 || has("cpu")))
        TRY(add("cpu idle", "cpu", "cpu.idle", std::to_string(*c.idle),
                *c.idle == 0 ? IfMissing::skip : IfMissing::fail));
    if (c.realtime_period.value_or(0) != 0 || c.realtime_runtime.value_or(0) != 0)
        return unsupported("a cpu realtime limit");
    if (!c.cpus.empty()) TRY(add("a cpuset", "cpuset", "cpuset.cpus", c.cpus));
    if (!c.mems.empty()) TRY(add("a cpuset", "cpuset", "cpuset.mems", c.mems));
    return {};
}

// Each scheduler has its own file, and disks may have different ones: both are
// written, one of them must be there.
Result<void> V2Limits::weight(const std::string& device, uint16_t weight) {
    TRY(add("a block I/O weight", "io", "io.bfq.weight", device + std::to_string(weight), IfMissing::skip));
    return add("a block I/O weight", "io", "io.weight", device + std::to_string(weight_of_blkio(weight)),
               IfMissing::require_previous);
}

Result<void> V2Limits::block_io(const model::oci::BlockIoLimits& b) {
    if (b.leaf_weight.value_or(0) != 0) return unsupported("a block I/O leaf weight");
    if (b.weight.value_or(0) != 0) TRY(weight("default ", *b.weight));
    auto name = [](int64_t major, int64_t minor) { return std::to_string(major) + ":" + std::to_string(minor) + " "; };
    for (const auto& d : b.weight_device) {
        if (d.leaf_weight.value_or(0) != 0) return unsupported("a block I/O leaf weight");
        if (d.weight.value_or(0) != 0) TRY(weight(name(d.major, d.minor), *d.weight));
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

// A file takes one line a write.
Result<void> V2Limits::unified(const std::string& file, std::string_view value) {
    std::string controller = file.substr(0, file.find('.'));
    bool of_core = controller == "cgroup";
    if (!of_core && !has(controller.c_str()))
        return Error(ErrorKind::unsupported,
                     "unified: " + file + " was asked for, but this machine has no " + controller + " controller");
    while (!value.empty()) {
        std::string_view line = value.substr(0, value.find('\n'));
        value.remove_prefix(std::min(value.size(), line.size() + 1));
        if (!line.empty()) writes_.push_back({.file = file, .value = std::string(line)});
    }
    return {};
}

Result<void> V2Limits::rest(const Resources& r) {
    if (r.network && (r.network->class_id.value_or(0) != 0 || !r.network->priorities.empty()))
        return unsupported("a network class or priority (use eBPF or nftables' \"meta cgroup\" instead)");
    if (r.pids_limit && *r.pids_limit >= 0)
        TRY(add("a limit of processes", "pids", "pids.max", std::to_string(std::max(*r.pids_limit, least_pids))));
    else if (r.pids_limit && machine_.support.pids)
        TRY(add("a limit of processes", "pids", "pids.max", "max"));
    for (const auto& page : r.hugepage_limits)
        // Reservations too, where the kernel counts them (5.7).
        for (const char* suffix : {".max", ".rsvd.max"})
            TRY(add("a limit of huge pages", "hugetlb", "hugetlb." + page.page_size + suffix,
                    std::to_string(page.limit), suffix[1] == 'm' ? IfMissing::fail : IfMissing::skip));
    for (const auto& [device, limit] : r.rdma)
        TRY(add("a limit of rdma device " + device, "rdma", "rdma.max", rdma_line(device, limit)));
    for (const auto& [file, value] : r.unified) TRY(unified(file, value));
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
