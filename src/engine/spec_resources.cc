#include "engine/spec_builder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/cdi.h"

namespace hull::engine {
namespace {

using model::oci::DeviceRule;

DeviceRule rule(const char* type, std::optional<int64_t> major, std::optional<int64_t> minor, std::string access) {
    return {.allow = true, .type = type, .major = major, .minor = minor, .access = std::move(access)};
}

// Everything is shut but mknod, and reading and writing of the usual nodes.
std::vector<DeviceRule> default_device_rules() {
    std::vector<DeviceRule> rules = {{.allow = false, .type = "a", .major = {}, .minor = {}, .access = "rwm"}};
    rules.push_back(rule("c", std::nullopt, std::nullopt, "m"));
    rules.push_back(rule("b", std::nullopt, std::nullopt, "m"));
    // null zero full random urandom; tty console ptmx
    for (int64_t minor : {3, 5, 7, 8, 9}) rules.push_back(rule("c", 1, minor, "rwm"));
    for (int64_t minor : {0, 1, 2}) rules.push_back(rule("c", 5, minor, "rwm"));
    rules.push_back(rule("c", 136, std::nullopt, "rwm")); // terminals
    return rules;
}

// "c 42:* rmw" of --device-cgroup-rule; checked when the container was made.
DeviceRule parse_rule(const std::string& text) {
    DeviceRule out{.allow = true, .type = text.substr(0, 1), .major = {}, .minor = {}, .access = {}};
    size_t colon = text.find(':'), space = text.find(' ', colon);
    auto number = [](const std::string& part) -> std::optional<int64_t> {
        int64_t value = 0;
        auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (failed != std::errc()) return std::nullopt; // *
        return value;
    };
    out.major = number(text.substr(2, colon - 2));
    out.minor = number(text.substr(colon + 1, space - colon - 1));
    out.access = text.substr(space + 1);
    return out;
}

Result<std::vector<model::oci::ThrottleDevice>> throttles(HostPort& host,
                                                          const std::vector<model::BlkioRateDevice>& asked) {
    std::vector<model::oci::ThrottleDevice> list;
    for (const model::BlkioRateDevice& one : asked) {
        DeviceNode node = TRY(host.device(one.path));
        list.push_back({.major = node.major, .minor = node.minor, .rate = one.rate});
    }
    return list;
}

Result<std::optional<model::oci::BlockIoLimits>> block_io(const SpecInput& input) {
    const model::HostConfig& host = input.settings.host_config;
    model::oci::BlockIoLimits limits;
    if (host.blkio_weight) limits.weight = host.blkio_weight;
    for (const model::BlkioWeightDevice& one : host.blkio_weight_device) {
        DeviceNode node = TRY(input.host.device(one.path));
        limits.weight_device.push_back(
            {.major = node.major, .minor = node.minor, .weight = one.weight, .leaf_weight = {}});
    }
    limits.throttle_read_bps = TRY(throttles(input.host, host.blkio_device_read_bps));
    limits.throttle_write_bps = TRY(throttles(input.host, host.blkio_device_write_bps));
    limits.throttle_read_iops = TRY(throttles(input.host, host.blkio_device_read_iops));
    limits.throttle_write_iops = TRY(throttles(input.host, host.blkio_device_write_iops));
    bool any = limits.weight || !limits.weight_device.empty() || !limits.throttle_read_bps.empty() ||
               !limits.throttle_write_bps.empty() || !limits.throttle_read_iops.empty() ||
               !limits.throttle_write_iops.empty();
    if (!any) return std::optional<model::oci::BlockIoLimits>();
    return std::optional(std::move(limits));
}

std::optional<model::oci::MemoryLimits> memory(const model::HostConfig& host) {
    model::oci::MemoryLimits limits;
    if (host.memory > 0) limits.limit = host.memory;
    if (host.memory_reservation > 0) limits.reservation = host.memory_reservation;
    if (host.memory_swap != 0) limits.swap = host.memory_swap;
    if (host.memory_swappiness && *host.memory_swappiness >= 0)
        limits.swappiness = static_cast<uint64_t>(*host.memory_swappiness);
    if (host.oom_kill_disable && *host.oom_kill_disable) limits.disable_oom_killer = true;
    bool any = limits.limit || limits.reservation || limits.swap || limits.swappiness || limits.disable_oom_killer;
    return any ? std::optional(limits) : std::nullopt;
}

std::optional<model::oci::CpuLimits> cpu(const model::HostConfig& host) {
    constexpr int64_t kPeriod = 100'000, kNano = 1'000'000'000;
    model::oci::CpuLimits limits;
    if (host.cpu_shares > 0) limits.shares = static_cast<uint64_t>(host.cpu_shares);
    if (host.nano_cpus > 0) {
        limits.period = kPeriod;
        limits.quota = host.nano_cpus * kPeriod / kNano;
    }
    if (host.cpu_period > 0) limits.period = static_cast<uint64_t>(host.cpu_period);
    if (host.cpu_quota != 0) limits.quota = host.cpu_quota;
    if (host.cpu_realtime_period > 0) limits.realtime_period = static_cast<uint64_t>(host.cpu_realtime_period);
    if (host.cpu_realtime_runtime != 0) limits.realtime_runtime = host.cpu_realtime_runtime;
    limits.cpus = host.cpuset_cpus;
    limits.mems = host.cpuset_mems;
    bool any = limits.shares || limits.period || limits.quota || limits.realtime_period || limits.realtime_runtime ||
               !limits.cpus.empty() || !limits.mems.empty();
    return any ? std::optional(std::move(limits)) : std::nullopt;
}

void add_device(const DeviceNode& node, std::string path, const std::string& access, model::oci::Linux& out) {
    std::string type(1, node.type);
    out.resources->devices.push_back(rule(type.c_str(), node.major, node.minor, access));
    out.devices.push_back({.path = std::move(path),
                           .type = type,
                           .major = node.major,
                           .minor = node.minor,
                           .file_mode = node.mode,
                           .uid = node.uid,
                           .gid = node.gid});
}

} // namespace

Result<model::oci::Resources> build_resources(const SpecInput& input) {
    const model::HostConfig& host = input.settings.host_config;
    model::oci::Resources out;
    if (host.privileged) {
        out.devices = {{.allow = true, .type = "a", .major = {}, .minor = {}, .access = "rwm"}};
    } else {
        out.devices = default_device_rules();
        for (const std::string& text : host.device_cgroup_rules) out.devices.push_back(parse_rule(text));
    }
    out.memory = memory(host);
    out.cpu = cpu(host);
    int64_t pids = host.pids_limit.value_or(0);
    // 0 means that nothing was asked for; -1 no limit at all.
    if (pids == 0) pids = input.options.default_pids_limit;
    if (pids > 0) out.pids_limit = pids;
    out.block_io = TRY(block_io(input));
    return out;
}

Result<void> add_devices(const SpecInput& input, model::oci::Linux& out) {
    const model::HostConfig& host = input.settings.host_config;
    if (host.privileged) {
        for (DeviceNode& node : TRY(input.host.devices_below("/dev"))) {
            std::string path = node.path;
            add_device(node, std::move(path), "rwm", out);
        }
        return {};
    }
    for (const model::DeviceMapping& mapping : host.devices) {
        if (is_cdi_name(mapping.path_on_host)) continue;
        std::string inside = mapping.path_in_container.empty() ? mapping.path_on_host : mapping.path_in_container;
        std::string access = mapping.cgroup_permissions.empty() ? "rwm" : mapping.cgroup_permissions;
        auto doing = [&] {
            return "error gathering device information while adding custom device \"" + mapping.path_on_host + "\"";
        };
        if (input.host.kind(mapping.path_on_host) == PathKind::directory) {
            auto nodes = TRY(input.host.devices_below(mapping.path_on_host).context(doing));
            for (DeviceNode& node : nodes)
                add_device(node, inside + node.path.substr(mapping.path_on_host.size()), access, out);
            continue;
        }
        if (input.host.kind(mapping.path_on_host) == PathKind::missing)
            return Error(ErrorKind::not_found, doing() + ": no such file or directory");
        add_device(TRY(input.host.device(mapping.path_on_host).context(doing)), inside, access, out);
    }
    return {};
}

} // namespace hull::engine
