// Containers: stats.
#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

Object cpu_json(const engine::ResourceUsage* usage) {
    Object cpu{{"total_usage", usage ? usage->cpu_total_ns : 0}};
    if (usage && !usage->cpu_per_core_ns.empty()) cpu["percpu_usage"] = json::encode(usage->cpu_per_core_ns);
    cpu["usage_in_kernelmode"] = usage ? usage->cpu_kernel_ns : 0;
    cpu["usage_in_usermode"] = usage ? usage->cpu_user_ns : 0;
    Object object{{"cpu_usage", std::move(cpu)}};
    if (usage && usage->system_cpu_ns != 0) object["system_cpu_usage"] = usage->system_cpu_ns;
    if (usage && usage->online_cpus != 0) object["online_cpus"] = usage->online_cpus;
    object["throttling_data"] = Object{{"periods", usage ? usage->periods : 0},
                                       {"throttled_periods", usage ? usage->throttled_periods : 0},
                                       {"throttled_time", usage ? usage->throttled_ns : 0}};
    return object;
}

Object memory_json(const engine::ResourceUsage& usage) {
    Object object{{"usage", usage.memory_usage}};
    if (usage.memory_max_usage != 0) object["max_usage"] = usage.memory_max_usage;
    object["stats"] = json::encode(usage.memory_stats);
    if (usage.memory_failcnt != 0) object["failcnt"] = usage.memory_failcnt;
    object["limit"] = usage.memory_limit;
    return object;
}

Array blkio_entries(const std::vector<engine::BlkioEntry>& entries) {
    Array array;
    for (const auto& entry : entries)
        array.push_back(
            Object{{"major", entry.major}, {"minor", entry.minor}, {"op", entry.op}, {"value", entry.value}});
    return array;
}

Object blkio_json(const engine::ResourceUsage* usage) {
    Object object{
        {"io_service_bytes_recursive", usage ? Value(blkio_entries(usage->io_service_bytes)) : Value(nullptr)},
        {"io_serviced_recursive", usage ? Value(blkio_entries(usage->io_serviced)) : Value(nullptr)},
    };
    // Counters that only some old block schedulers keep.
    for (const char* name : {"io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive",
                             "io_merged_recursive", "io_time_recursive", "sectors_recursive"})
        object[name] = usage ? Value(Array{}) : Value(nullptr);
    return object;
}

Object networks_json(const std::map<std::string, engine::NetworkCounters>& networks) {
    Object object;
    for (const auto& [name, n] : networks)
        object[name] = Object{
            {"rx_bytes", n.rx_bytes},     {"rx_packets", n.rx_packets}, {"rx_errors", n.rx_errors},
            {"rx_dropped", n.rx_dropped}, {"tx_bytes", n.tx_bytes},     {"tx_packets", n.tx_packets},
            {"tx_errors", n.tx_errors},   {"tx_dropped", n.tx_dropped},
        };
    return object;
}

Object pids_json(const engine::ResourceUsage& usage) {
    Object object{{"current", usage.pids_current}};
    if (usage.pids_limit != 0) object["limit"] = usage.pids_limit;
    return object;
}

Value stats_json(const engine::StatsView& view, const Call& call) {
    const engine::ResourceUsage* usage = view.running ? &view.usage : nullptr;
    const engine::ResourceUsage* previous = view.previous ? &*view.previous : nullptr;
    Object object{
        {"read", to_rfc3339(usage ? usage->read : WallTime{})},
        {"preread", to_rfc3339(previous ? previous->read : WallTime{})},
        {"pids_stats", usage ? pids_json(*usage) : Object{}},
        {"blkio_stats", blkio_json(usage)},
        {"num_procs", 0},
        {"storage_stats", Object{}},
        {"cpu_stats", cpu_json(usage)},
        {"precpu_stats", cpu_json(previous)},
        {"memory_stats", usage ? memory_json(*usage) : Object{}},
        {"name", "/" + view.name},
        {"id", view.id.str()},
    };
    if (usage && !usage->networks.empty()) object["networks"] = networks_json(usage->networks);
    if (call.at_least(52)) object["os_type"] = "linux";
    return object;
}

} // namespace

Result<void> container_stats(Call& call) {
    bool stream = call.flag("stream", true);
    bool one_shot = call.at_least(41) && call.flag("one-shot");
    if (stream && one_shot) return Error(ErrorKind::invalid_argument, "cannot have stream=true and one-shot=true");
    auto sampler = TRY(call.containers().stats(call.name()));
    std::stop_token gone = call.client_gone();
    if (!stream) {
        auto sample = TRY(sampler->next(gone));
        // The CPU share needs two samples, unless the client does without.
        if (sample && sample->running && !one_shot) {
            auto second = TRY(sampler->next(gone));
            if (second) sample = std::move(second);
        }
        if (!sample) return Error(ErrorKind::cancelled, "the client left, or the container is gone");
        return call.reply(200, stats_json(*sample, call));
    }
    TRY(call.stream(200, "application/json"));
    for (;;) {
        auto sample = TRY(sampler->next(gone));
        if (!sample) return {};
        TRY(call.exchange().write(json::print(stats_json(*sample, call)) + "\n"));
    }
}

} // namespace hull::api
