// Changing a container's limits, restart policy and ports while it exists.
#include "engine/container_networks.h"
#include "engine/port_changes.h"
#include "engine/service.h"
#include "engine/spec_builder.h"
#include "engine/validate.h"

namespace hull::engine {

namespace {

using model::HostConfig;

// What an update can't change is refused, where Docker drops it.
Result<void> check_only_limits(const HostConfig& changes) {
    auto fixed = [](const char* field) {
        return invalid(std::string(field) + " of a container can't be changed by an update: make a new container");
    };
    if (!changes.devices.empty()) return fixed("Devices");
    if (!changes.device_cgroup_rules.empty()) return fixed("DeviceCgroupRules");
    if (!changes.device_requests.empty()) return fixed("DeviceRequests");
    if (!changes.ulimits.empty()) return fixed("Ulimits");
    if (!changes.cgroup_parent.empty()) return fixed("CgroupParent");
    if (changes.memory_swappiness) return fixed("MemorySwappiness");
    if (changes.oom_kill_disable.value_or(false)) return fixed("OomKillDisable");
    if (changes.init) return fixed("Init");
    for (const auto& [key, value] : changes.annotations)
        if (key != k_egress_key && key != k_bandwidth_key) return fixed(("Annotation " + key).c_str());
    if (!changes.blkio_weight_device.empty()) return fixed("BlkioWeightDevice");
    if (!changes.blkio_device_read_bps.empty() || !changes.blkio_device_write_bps.empty() ||
        !changes.blkio_device_read_iops.empty() || !changes.blkio_device_write_iops.empty())
        return fixed("BlkioDevice*");
    return {};
}

// moby, container/container_unix.go: UpdateContainer. Errors: conflict.
Result<void> check_against(const HostConfig& now, const HostConfig& changes) {
    auto conflict = [](const char* text) { return Error(ErrorKind::conflict, text); };
    if (changes.nano_cpus > 0 && now.cpu_period > 0)
        return conflict("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
    if (changes.nano_cpus > 0 && now.cpu_quota > 0)
        return conflict("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
    if (changes.cpu_period > 0 && now.nano_cpus > 0)
        return conflict("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
    if (changes.cpu_quota > 0 && now.nano_cpus > 0)
        return conflict("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
    if (changes.memory != 0 && changes.memory_swap == 0 && now.memory_swap != -1 && changes.memory > now.memory_swap)
        return conflict("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at "
                        "the same time");
    const std::string& policy = changes.restart_policy.name;
    if (!policy.empty() && policy != "no" && now.auto_remove)
        return conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
    return {};
}

HostConfig changed(HostConfig config, const HostConfig& changes) {
    auto take = [](auto& into, const auto& from) {
        if (from != std::remove_cvref_t<decltype(from)>{}) into = from;
    };
    take(config.blkio_weight, changes.blkio_weight);
    take(config.cpu_shares, changes.cpu_shares);
    take(config.nano_cpus, changes.nano_cpus);
    take(config.cpu_period, changes.cpu_period);
    take(config.cpu_quota, changes.cpu_quota);
    take(config.cpu_realtime_period, changes.cpu_realtime_period);
    take(config.cpu_realtime_runtime, changes.cpu_realtime_runtime);
    take(config.cpuset_cpus, changes.cpuset_cpus);
    take(config.cpuset_mems, changes.cpuset_mems);
    take(config.memory, changes.memory);
    take(config.memory_swap, changes.memory_swap);
    take(config.memory_reservation, changes.memory_reservation);
    take(config.pids_limit, changes.pids_limit);
    if (!changes.restart_policy.name.empty()) config.restart_policy = changes.restart_policy;
    // An empty one is taken away.
    for (const auto& [key, value] : changes.annotations) {
        config.annotations.erase(key);
        if (!value.empty()) config.annotations[key] = value;
    }
    return config;
}

// The limits alone: which devices may be used stays as it was at the start.
Result<model::oci::Resources> limits_of(const Core& core, const ContainerSettings& settings, const HostConfig& config) {
    ContainerSettings with = settings;
    with.host_config = config;
    NamespaceChoice unused;
    SpecInput input{.settings = with,
                    .options = core.options,
                    .host = core.host,
                    .namespaces = unused,
                    .ids = {},
                    .net_files = {},
                    .init = {}};
    auto resources = TRY(build_resources(input));
    resources.devices.clear();
    if (resources.block_io) {
        model::oci::BlockIoLimits weight;
        weight.weight = resources.block_io->weight;
        resources.block_io = weight;
    }
    // None asked for, none by default: said, since what is absent stays.
    if (!resources.pids_limit) resources.pids_limit = -1;
    return resources;
}

// Where it may send to, and how fast.
Result<void> apply_network_limits(Core& core, const Container& container) {
    UniqueFd net_ns = TRY(core.host.net_namespace(container.state().pid));
    return core.networks->change_limits(TRY(make_member(core, container)), net_ns);
}

// What a container that runs has of it; ports last, since they are the part that
// others may have, and undo themselves.
Result<void> apply(Core& core, Container& container, const HostConfig& changes, const PortPlan& ports) {
    if (has_processes(container.status())) {
        if (!changes.annotations.empty()) TRY(apply_network_limits(core, container));
        TRY(core.runtime.update(container.id,
                                TRY(limits_of(core, container.settings(), container.settings().host_config))));
    }
    TRY(core.save_settings(container));
    if (has_processes(container.status())) TRY(apply_ports(core, container, ports));
    return {};
}

// As far as it goes.
void undo(Core& core, Container& container, const HostConfig& before, const HostConfig& changes) {
    container.set_host_config(before);
    (void)core.save_settings(container).ok();
    if (!has_processes(container.status())) return;
    if (!changes.annotations.empty()) (void)apply_network_limits(core, container).ok();
    if (auto limits = limits_of(core, container.settings(), before); limits.ok())
        (void)core.runtime.update(container.id, *limits).ok();
}

} // namespace

Result<std::vector<std::string>> ContainersService::update(const std::string& name, const HostConfig& changes,
                                                           const PortChanges& port_changes) {
    ContainerPtr container = TRY(core_.registry.find(name));
    std::vector<std::string> warnings;
    TRY(check_only_limits(changes));
    HostConfig asked = changes;
    // The rule that swap needs memory is about both together.
    if (asked.memory == 0) asked.memory = std::max<int64_t>(0, container->settings().host_config.memory);
    TRY(validate_resources(asked));
    TRY(validate_restart(changes));

    std::lock_guard operation(container->operation());
    if (container->look([](const auto&, const Volatile& v) { return v.removed; })) return no_such_container(name);
    auto doing = [&] { return "Cannot update container " + container->id.str(); };
    ContainerStatus status = container->status();
    if (status == ContainerStatus::removing || status == ContainerStatus::dead)
        return Error(ErrorKind::conflict, doing() + ": container is marked for removal and cannot be \"update\".");
    const HostConfig before = container->settings().host_config;
    TRY(check_against(before, changes).context(doing));
    HostConfig after = changed(before, changes);
    TRY(validate_resources(after).context(doing));
    TRY(validate_machine(after, core_.host));
    TRY(validate_limits(after).context(doing));

    const PortPlan ports = TRY(plan_ports(*container, port_changes).context(doing));
    after.port_bindings = ports.bindings;

    container->set_host_config(after);
    if (auto applied = apply(core_, *container, changes, ports); !applied.ok()) {
        undo(core_, *container, before, changes);
        return std::move(applied).error().context(doing());
    }
    core_.publish(*container, "update");
    return warnings;
}

} // namespace hull::engine
