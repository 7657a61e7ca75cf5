// GET /info.
#include "api/handlers.h"
#include "base/log.h"
#include "codec/json.h"
#include "engine/log_settings.h"
#include "engine/runtimes.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

Array driver_status_json(const engine::InfoView& info) {
    Array array;
    for (const auto& [name, value] : info.driver_status) array.push_back(Array{Value(name), Value(value)});
    return array;
}

Array labels_json(const model::Labels& labels) {
    Array array;
    for (const auto& [key, value] : labels) array.push_back(Value(value.empty() ? key : key + "=" + value));
    return array;
}

Object registry_json(const engine::RegistryView& registries, const Call& call) {
    Object indexes;
    Array mirrors;
    for (const auto& one : registries.indexes) {
        indexes[one.name] = Object{{"Name", one.name},
                                   {"Mirrors", json::encode(one.mirrors)},
                                   {"Secure", one.secure},
                                   {"Official", one.official}};
        if (!one.official) continue;
        for (const std::string& url : one.mirrors) mirrors.emplace_back(url);
    }
    Object object{
        {"InsecureRegistryCIDRs", json::encode(registries.insecure_blocks)},
        {"IndexConfigs", std::move(indexes)},
        {"Mirrors", std::move(mirrors)},
    };
    if (!call.at_least(49)) {
        object["AllowNondistributableArtifactsCIDRs"] = Array{};
        object["AllowNondistributableArtifactsHostnames"] = Array{};
    }
    return object;
}

Array address_pools_json(const engine::EngineOptions& options) {
    Array pools;
    for (const net::SubnetPool& pool : options.address_pools)
        pools.push_back(Object{{"Base", pool.base.str()}, {"Size", pool.size}});
    return pools;
}

// CDI devices that containers may ask for, by their names.
Array devices_json(const engine::InfoView& info) {
    Array devices;
    for (const std::string& name : info.cdi_devices) devices.push_back(Object{{"Source", "cdi"}, {"ID", name}});
    return devices;
}

Object swarm_json() {
    return Object{
        {"NodeID", ""},
        {"NodeAddr", ""},
        {"LocalNodeState", "inactive"},
        {"ControlAvailable", false},
        {"Error", ""},
        {"RemoteManagers", nullptr},
    };
}

Array log_drivers_json() {
    Array names;
    for (const std::string& name : engine::log_drivers()) names.emplace_back(name);
    return names;
}

Object commit_json(const std::string& id, const Call& call) {
    Object object{{"ID", id}};
    if (!call.at_least(49)) object["Expected"] = id;
    return object;
}

void add_limits(Object& object, const engine::InfoView& info, const Call& call) {
    object["MemoryLimit"] = info.memory_limit;
    object["SwapLimit"] = info.swap_limit;
    object["CpuCfsPeriod"] = info.cpu_cfs;
    object["CpuCfsQuota"] = info.cpu_cfs;
    object["CPUShares"] = info.cpu_shares;
    object["CPUSet"] = info.cpuset;
    object["PidsLimit"] = info.pids_limit;
    object["OomKillDisable"] = info.oom_kill_disable;
    object["IPv4Forwarding"] = info.ipv4_forwarding;
    if (!call.at_least(50)) {
        object["BridgeNfIptables"] = false;
        object["BridgeNfIp6tables"] = false;
    }
    if (!call.at_least(42)) {
        object["KernelMemory"] = false;
        object["KernelMemoryTCP"] = false;
    }
}

void add_runtime(Object& object, const engine::InfoView& info, const Call& call) {
    Object runtime{{"path", "hull-runtime"}};
    if (call.at_least(44)) runtime["status"] = Object{{"org.opencontainers.runtime-spec.features", "{}"}};
    const auto current = call.engine().options();
    const engine::EngineOptions& options = *current;
    Object runtimes{{engine::kOwnRuntime, std::move(runtime)}};
    for (const auto& [name, one] : options.runtimes) {
        Object entry{{"path", one.path}};
        if (!one.args.empty()) entry["runtimeArgs"] = json::encode(one.args);
        runtimes[name] = std::move(entry);
    }
    object["Runtimes"] = std::move(runtimes);
    object["DefaultRuntime"] = options.default_runtime;
    object["InitBinary"] = info.init_binary;
    object["ContainerdCommit"] = commit_json("", call);
    object["RuncCommit"] = commit_json(call.options().version, call);
    object["InitCommit"] = commit_json("", call);
    object["Isolation"] = "";
    object["LiveRestoreEnabled"] = options.live_restore;
}

} // namespace

Result<void> info(Call& call) {
    engine::InfoView info = call.engine().info();
    const ProcessUsage usage = call.options().usage ? call.options().usage() : ProcessUsage{};
    Object object{
        {"ID", info.id},
        {"Containers", info.containers},
        {"ContainersRunning", info.running},
        {"ContainersPaused", info.paused},
        {"ContainersStopped", info.stopped},
        {"Images", info.images},
        {"Driver", info.storage_driver},
        {"DriverStatus", driver_status_json(info)},
        {"Plugins", Object{{"Volume", json::encode(call.volumes().drivers())},
                           {"Network", Array{"bridge", "host", "ipvlan", "macvlan", "null", "overlay"}},
                           {"Authorization", nullptr},
                           {"Log", log_drivers_json()}}},
        {"Debug", log::enabled(log::Level::debug)},
        {"NFd", usage.descriptors},
        {"NGoroutines", usage.threads},
        {"SystemTime", to_rfc3339(info.system_time.ns ? info.system_time : wall_now())},
        {"LoggingDriver", info.logging_driver},
        {"CgroupDriver", info.cgroup_driver},
        {"NEventsListener", info.event_listeners},
        {"KernelVersion", info.kernel_version},
        {"OperatingSystem", info.operating_system},
        {"OSVersion", info.os_version},
        {"OSType", info.os_type},
        {"Architecture", info.architecture},
        {"IndexServerAddress", "https://index.docker.io/v1/"},
        {"RegistryConfig", registry_json(info.registries, call)},
        {"NCPU", info.cpus},
        {"MemTotal", info.memory},
        {"GenericResources", nullptr},
        {"DockerRootDir", info.data_root},
        {"HttpProxy", info.registries.http_proxy},
        {"HttpsProxy", info.registries.https_proxy},
        {"NoProxy", info.registries.no_proxy},
        {"Name", info.name},
        {"Labels", labels_json(info.labels)},
        {"ExperimentalBuild", info.experimental},
        {"ServerVersion", info.server_version.empty() ? call.options().version : info.server_version},
        {"Swarm", swarm_json()},
        {"SecurityOptions", json::encode(info.security_options)},
        {"Warnings", info.warnings.empty() ? Value(nullptr) : json::encode(info.warnings)},
    };
    add_limits(object, info, call);
    add_runtime(object, info, call);
    if (call.at_least(41)) {
        object["CgroupVersion"] = info.cgroup_version;
        object["DefaultAddressPools"] = address_pools_json(*call.engine().options());
    }
    if (call.at_least(44)) object["CDISpecDirs"] = json::encode(call.engine().options()->cdi_folders);
    if (call.at_least(50)) object["DiscoveredDevices"] = devices_json(info);
    if (call.at_least(49)) object["FirewallBackend"] = Object{{"Driver", "nftables"}};
    return call.reply(200, object);
}

} // namespace hull::api
