#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <string_view>
#include <thread>

#include "engine/cdi.h"
#include "engine/validate.h"

namespace hull::engine {
namespace {

using model::HostConfig;

Result<void> validate_memory(const HostConfig& host) {
    constexpr int64_t kLeast = 6 << 20;
    if (host.memory < 0 || (host.memory != 0 && host.memory < kLeast))
        return invalid("Minimum memory limit allowed is 6MB");
    if (host.memory > 0 && host.memory_swap > 0 && host.memory_swap < host.memory)
        return invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    if (host.memory == 0 && host.memory_swap > 0)
        return invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
    if (host.memory_swap < -1) return invalid("Invalid memory swap limit");
    if (host.memory_swappiness && (*host.memory_swappiness < -1 || *host.memory_swappiness > 100))
        return invalid("Invalid value: " + std::to_string(*host.memory_swappiness) +
                       ", valid memory swappiness range is 0-100");
    if (host.memory_reservation != 0 && host.memory_reservation < kLeast)
        return invalid("Minimum memory reservation allowed is 6MB");
    if (host.memory > 0 && host.memory_reservation > host.memory)
        return invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
    if (host.shm_size < 0) return invalid("SHM size can not be less than 0");
    if (host.oom_score_adj < -1000 || host.oom_score_adj > 1000)
        return invalid("Invalid value " + std::to_string(host.oom_score_adj) +
                       ", range for oom score adj is [-1000, 1000]");
    return {};
}

bool is_cpu_list(const std::string& text) { return text.find_first_not_of("0123456789,-") == std::string::npos; }

Result<void> validate_cpu(const HostConfig& host) {
    int64_t cpus = std::max(1U, std::thread::hardware_concurrency());
    if (host.nano_cpus > 0 && host.cpu_period > 0)
        return invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
    if (host.nano_cpus > 0 && host.cpu_quota > 0)
        return invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    if (host.nano_cpus < 0 || host.nano_cpus > cpus * 1'000'000'000)
        return invalid("range of CPUs is from 0.01 to " + std::to_string(cpus) + ".00, as there are only " +
                       std::to_string(cpus) + " CPUs available");
    if (host.cpu_period != 0 && (host.cpu_period < 1000 || host.cpu_period > 1'000'000))
        return invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    if (host.cpu_quota > 0 && host.cpu_quota < 1000)
        return invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    if (host.cpu_shares < 0)
        return invalid("invalid CPU shares (" + std::to_string(host.cpu_shares) +
                       "): value must be a positive integer");
    if (host.cpu_realtime_runtime > host.cpu_realtime_period)
        return invalid("cpu real-time runtime cannot be higher than cpu real-time period");
    if (!is_cpu_list(host.cpuset_cpus)) return invalid("Invalid value " + host.cpuset_cpus + " for cpuset cpus");
    if (!is_cpu_list(host.cpuset_mems)) return invalid("Invalid value " + host.cpuset_mems + " for cpuset mems");
    return {};
}

Result<void> validate_blkio(const HostConfig& host) {
    auto bad_weight = [](unsigned weight) { return weight != 0 && (weight < 10 || weight > 1000); };
    if (bad_weight(host.blkio_weight)) return invalid("Range of blkio weight is from 10 to 1000");
    for (const model::BlkioWeightDevice& one : host.blkio_weight_device)
        if (bad_weight(one.weight)) return invalid("Range of blkio weight is from 10 to 1000");
    return {};
}

Result<void> validate_ulimits(const HostConfig& host) {
    constexpr std::array<std::string_view, 16> names = {"core",     "cpu",        "data",   "fsize", "locks", "memlock",
                                                        "msgqueue", "nice",       "nofile", "nproc", "rss",   "rtprio",
                                                        "rttime",   "sigpending", "stack",  "as"};
    for (const model::Ulimit& limit : host.ulimits) {
        if (std::ranges::find(names, limit.name) == names.end()) return invalid("invalid ulimit type: " + limit.name);
        // -1 is "unlimited".
        if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard))
            return invalid("ulimit soft limit must be less than or equal to hard limit: " + std::to_string(limit.soft) +
                           " > " + std::to_string(limit.hard));
    }
    return {};
}

// [acb] major:minor [rwm]{1,3}, * for any number.
bool is_device_rule(const std::string& text) {
    size_t colon = text.find(':'), space = text.find(' ', colon);
    if (text.size() < 7 || text[1] != ' ' || colon == std::string::npos || space == std::string::npos) return false;
    auto is_number = [](std::string_view part) {
        return part == "*" ||
               (!part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string_view::npos);
    };
    std::string_view view = text;
    std::string_view access = view.substr(space + 1);
    return view.find_first_of("acb") == 0 && is_number(view.substr(2, colon - 2)) &&
           is_number(view.substr(colon + 1, space - colon - 1)) && !access.empty() && access.size() <= 3 &&
           access.find_first_not_of("rwm") == std::string_view::npos;
}

Result<void> validate_devices(const HostConfig& host) {
    for (const std::string& rule : host.device_cgroup_rules)
        if (!is_device_rule(rule)) return invalid("invalid device cgroup rule format: '" + rule + "'");
    for (const model::DeviceMapping& device : host.devices) {
        if (is_cdi_name(device.path_on_host)) continue;
        if (!device.path_on_host.starts_with('/'))
            return invalid("error gathering device information while adding custom device \"" + device.path_on_host +
                           "\": not an absolute path");
        const std::string& access = device.cgroup_permissions;
        if (access.size() > 3 || access.find_first_not_of("rwm") != std::string::npos)
            return invalid("invalid device mode: " + access);
    }
    return {};
}

Result<void> validate_windows(const HostConfig& host) {
    auto refuse = [](const char* field) {
        return invalid(std::string("invalid option: ") + field + " is only supported on Windows");
    };
    if (host.cpu_count != 0) return refuse("CpuCount");
    if (host.cpu_percent != 0) return refuse("CpuPercent");
    if (host.io_maximum_iops != 0) return refuse("IOMaximumIOps");
    if (host.io_maximum_bandwidth != 0) return refuse("IOMaximumBandwidth");
    return {};
}

} // namespace

Result<void> check_cgroup_parent(const std::string& parent, bool systemd) {
    if (parent.find("..") != std::string::npos) return invalid("invalid cgroup parent: " + parent);
    if (systemd && (!parent.ends_with(".slice") || parent.find('/') != std::string::npos || parent == ".slice"))
        return invalid("cgroup-parent for systemd cgroup should be a valid slice named as \"xxx.slice\", not \"" +
                       parent + "\"");
    return {};
}

Result<void> validate_resources(const HostConfig& host) {
    TRY(validate_windows(host));
    TRY(validate_memory(host));
    TRY(validate_cpu(host));
    TRY(validate_blkio(host));
    TRY(validate_ulimits(host));
    TRY(validate_devices(host));
    if (host.pids_limit && *host.pids_limit < -1) return invalid("Invalid pids limit");
    return {};
}

} // namespace hull::engine
