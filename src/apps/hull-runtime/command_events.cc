// events: what a container uses, line by line, and when it ran out of memory.

#include <algorithm>
#include <array>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/flag_values.h"
#include "apps/hull-runtime/processes.h"
#include "codec/json.h"
#include "kernel/cgroup/details.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/ready.h"

namespace hull::oci_runtime {

namespace {

namespace cg = kernel::cgroup;

// As Go's "omitempty": zeros are left out.
void put(json::Object& into, const char* name, uint64_t value) {
    if (value != 0) into[name] = value;
}

void put(json::Object& into, const char* name, const std::vector<uint64_t>& values) {
    if (!values.empty()) into[name] = json::encode(values);
}

void put(json::Object& into, const char* name, const std::vector<cg::IoEntry>& entries) {
    if (entries.empty()) return;
    json::Array out;
    for (const auto& e : entries) {
        json::Object entry;
        put(entry, "major", e.major);
        put(entry, "minor", e.minor);
        if (!e.op.empty()) entry["op"] = e.op;
        put(entry, "value", e.value);
        out.push_back(std::move(entry));
    }
    into[name] = std::move(out);
}

json::Object stall(const cg::Stall& s) {
    return {{"avg10", s.avg10}, {"avg60", s.avg60}, {"avg300", s.avg300}, {"total", s.total_us}};
}

void put(json::Object& into, const std::optional<cg::Pressure>& pressure) {
    if (pressure) into["psi"] = json::Object{{"some", stall(pressure->some)}, {"full", stall(pressure->full)}};
}

json::Object cpu(const cg::Usage& u, const cg::Details& d) {
    json::Object usage;
    json::Object throttling;
    put(usage, "total", u.cpu_total_ns);
    put(usage, "percpu", u.cpu_per_core_ns);
    put(usage, "percpu_kernel", d.percpu_kernel_ns);
    put(usage, "percpu_user", d.percpu_user_ns);
    usage["kernel"] = u.cpu_kernel_ns;
    usage["user"] = u.cpu_user_ns;
    put(throttling, "periods", u.periods);
    put(throttling, "throttledPeriods", u.throttled_periods);
    put(throttling, "throttledTime", u.throttled_ns);
    json::Object out{{"usage", usage}, {"throttling", throttling}};
    put(out, u.cpu_pressure);
    return out;
}

json::Object cpuset(const cg::CpusetState& set) {
    json::Object out;
    if (!set.cpus.empty()) out["cpus"] = json::encode(set.cpus);
    out["cpu_exclusive"] = set.cpu_exclusive;
    if (!set.mems.empty()) out["mems"] = json::encode(set.mems);
    out["mem_hardwall"] = set.mem_hardwall;
    out["mem_exclusive"] = set.mem_exclusive;
    out["memory_migrate"] = set.memory_migrate;
    out["memory_spread_page"] = set.memory_spread_page;
    out["memory_spread_slab"] = set.memory_spread_slab;
    out["memory_pressure"] = set.memory_pressure;
    out["sched_load_balance"] = set.sched_load_balance;
    out["sched_relax_domain_level"] = set.sched_relax_domain_level;
    return out;
}

json::Object memory_entry(const cg::MemoryCounter& counter) {
    json::Object out{{"limit", counter.limit}};
    put(out, "usage", counter.usage);
    put(out, "max", counter.max_usage);
    out["failcnt"] = counter.failcnt;
    return out;
}

uint64_t cache_in(const std::map<std::string, uint64_t>& stats) {
    for (const char* name : {"cache", "file"}) // v1, v2
        if (auto at = stats.find(name); at != stats.end()) return at->second;
    return 0;
}

json::Object memory(const cg::Usage& u, const cg::Details& d) {
    json::Object out;
    put(out, "cache", cache_in(u.memory_stats));
    out["usage"] = memory_entry({u.memory_usage, u.memory_max_usage, d.memory_limit, u.memory_failcnt});
    out["swap"] = memory_entry(u.swap.value_or(cg::MemoryCounter{}));
    out["kernel"] = memory_entry(u.kernel.value_or(cg::MemoryCounter{}));
    out["kernelTCP"] = memory_entry(u.kernel_tcp.value_or(cg::MemoryCounter{}));
    if (!u.memory_stats.empty()) out["raw"] = json::encode(u.memory_stats);
    put(out, u.memory_pressure);
    return out;
}

json::Object blkio(const cg::Usage& u, const cg::Details& d) {
    json::Object out;
    put(out, "ioServiceBytesRecursive", u.io_service_bytes);
    put(out, "ioServicedRecursive", u.io_serviced);
    put(out, "ioQueueRecursive", d.io_queued);
    put(out, "ioServiceTimeRecursive", d.io_service_time);
    put(out, "ioWaitTimeRecursive", d.io_wait_time);
    put(out, "ioMergedRecursive", d.io_merged);
    put(out, "ioTimeRecursive", d.io_time);
    put(out, "sectorsRecursive", d.sectors);
    put(out, u.io_pressure);
    return out;
}

json::Object hugetlb(const cg::Usage& u) {
    json::Object out;
    for (const auto& [size, counter] : u.hugepages) {
        json::Object entry;
        put(entry, "usage", counter.usage);
        put(entry, "max", counter.max_usage);
        entry["failcnt"] = counter.failcnt;
        out[size] = std::move(entry);
    }
    return out;
}

// runc's shape, with its order of members.
Result<std::string> stats_line(const Context& context, const Container& container) {
    auto usage = TRY(context.cgroups->usage(container.cgroup_path));
    auto details = cg::read_details(TRY(context.cgroups->locate(container.cgroup_path)));
    json::Object pids;
    put(pids, "current", usage.pids_current);
    put(pids, "limit", usage.pids_limit);
    json::Object data{{"cpu", cpu(usage, details)},       {"cpuset", cpuset(details.cpuset)},
                      {"memory", memory(usage, details)}, {"pids", std::move(pids)},
                      {"blkio", blkio(usage, details)},   {"hugetlb", hugetlb(usage)},
                      {"intel_rdt", json::Object{}},      {"network_interfaces", nullptr}};
    return json::print(json::Object{{"type", "stats"}, {"id", container.id}, {"data", std::move(data)}}) + "\n";
}

// Tells of the kernel's out-of-memory events since the last question.
class OomWatch {
public:
    OomWatch(const Context& context, const Container& container) {
        auto places = context.cgroups->locate(container.cgroup_path);
        auto watched = context.cgroups->watch_oom(container.cgroup_path);
        if (!places.ok() || !watched.ok()) return; // no memory controller: nothing ever runs out
        file_ = places->oom_file();
        counted_ = context.cgroups->version() == cg::Version::v2;
        kills_ = cg::oom_kills(file_).ok() ? *cg::oom_kills(file_) : 0;
        fd_ = std::move(*watched);
    }
    BorrowedFd fd() const { return fd_; }
    bool take() {
        std::array<char, 4096> drained;
        (void)sys::read(fd_, drained);
        auto kills = cg::oom_kills(file_);
        if (!kills.ok()) { // removal of the cgroup wakes too
            fd_.reset();
            return false;
        }
        // v1 says it by waking, also when the killer is off; v2 wakes for more.
        bool happened = !counted_ || *kills != kills_;
        kills_ = *kills;
        return happened;
    }

private:
    UniqueFd fd_;
    std::string file_;
    uint64_t kills_ = 0;
    bool counted_ = false;
};

Result<void> follow_events(const Context& context, const Container& container, BorrowedFd init, int64_t interval_ns) {
    OomWatch oom(context, container);
    int64_t due = monotonic_ns() + interval_ns;
    for (;;) {
        int64_t left_ms = std::clamp<int64_t>((due - monotonic_ns() + 999'999) / 1'000'000, 0, INT32_MAX);
        std::array<sys::Readiness, 2> watched{{{init}, {oom.fd()}}};
        TRY(sys::wait_ready(watched, static_cast<int>(left_ms)));
        if (watched[1].ready && oom.take())
            TRY(print(json::print(json::Object{{"type", "oom"}, {"id", container.id}}) + "\n"));
        if (watched[0].ready) return {};
        if (monotonic_ns() < due) continue;
        auto line = stats_line(context, container);
        if (line.ok())
            TRY(print(*line));
        else
            context.log.error(line.error().message());
        due = monotonic_ns() + interval_ns;
    }
}

} // namespace

Result<int> run_events(Context& context, const Args& args) {
    std::string interval = args.value("interval");
    int64_t interval_ns = TRY(parse_duration("interval", interval.empty() ? "5s" : interval));
    Container container = TRY(context.store.load(args.words()[0]));
    TRY(context.need_cgroups());
    auto init = sys::pidfd_open(container.pid);
    if (!init.ok() || !is_alive(container))
        return Error(ErrorKind::conflict, "container with id " + container.id + " is not running");
    TRY(need_cgroup_of(container, "events"));
    if (args.has("stats"))
        TRY(print(TRY(stats_line(context, container))));
    else
        TRY(follow_events(context, container, *init, interval_ns));
    return 0;
}

} // namespace hull::oci_runtime
