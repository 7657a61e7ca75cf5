#include "api/container_json.h"

#include <algorithm>

#include "codec/json.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

// Endpoints as the version knows them.
Value endpoint_json(const model::EndpointSettings& endpoint, const std::string& container_id, Version version) {
    Value value = model::to_json(endpoint);
    Object& object = value.as_object();
    if (!at_least(version, 44)) object.erase("DNSNames");
    if (!at_least(version, 48)) object.erase("GwPriority");
    // Before 1.45 the short id stood among the aliases of user-defined networks.
    if (!at_least(version, 45) && !endpoint.dns_names.empty()) {
        std::string short_id = container_id.substr(0, 12);
        if (std::find(endpoint.aliases.begin(), endpoint.aliases.end(), short_id) == endpoint.aliases.end()) {
            if (!object["Aliases"].is_array()) object["Aliases"] = Array{};
            object["Aliases"].as_array().push_back(Value(short_id));
        }
    }
    return value;
}

Object networks_json(const std::map<std::string, model::EndpointSettings>& networks, const std::string& id,
                     Version version) {
    Object object;
    for (const auto& [name, endpoint] : networks) object[name] = endpoint_json(endpoint, id, version);
    return object;
}

Object mount_json(const engine::MountPointView& mount) {
    Object object{{"Type", mount.type}};
    if (!mount.name.empty()) object["Name"] = mount.name;
    object["Source"] = mount.source;
    object["Destination"] = mount.destination;
    if (!mount.driver.empty()) object["Driver"] = mount.driver;
    object["Mode"] = mount.mode;
    object["RW"] = mount.rw;
    object["Propagation"] = mount.propagation;
    return object;
}

Array mounts_json(const std::vector<engine::MountPointView>& mounts) {
    Array array;
    for (const auto& mount : mounts) array.push_back(mount_json(mount));
    return array;
}

Object port_json(const engine::PortView& port) {
    Object object;
    if (!port.ip.empty()) object["IP"] = port.ip;
    object["PrivatePort"] = port.private_port;
    if (port.public_port) object["PublicPort"] = *port.public_port;
    object["Type"] = port.type;
    return object;
}

Object state_json(const engine::StateView& state) {
    Object object{
        {"Status", engine::status_name(state.status)},
        {"Running", state.running},
        {"Paused", state.paused},
        {"Restarting", state.restarting},
        {"OOMKilled", state.oom_killed},
        {"Dead", state.dead},
        {"Pid", state.pid},
        {"ExitCode", state.exit_code},
        {"Error", state.error},
        {"StartedAt", to_rfc3339(state.started_at)},
        {"FinishedAt", to_rfc3339(state.finished_at)},
    };
    if (state.health) {
        Array log;
        for (const auto& probe : state.health->log)
            log.push_back(Object{{"Start", to_rfc3339(probe.start)},
                                 {"End", to_rfc3339(probe.end)},
                                 {"ExitCode", probe.exit_code},
                                 {"Output", probe.output}});
        object["Health"] = Object{{"Status", engine::health_name(state.health->status)},
                                  {"FailingStreak", state.health->failing_streak},
                                  {"Log", std::move(log)}};
    }
    return object;
}

Object graph_driver_json(const engine::GraphDriverView& driver) {
    return Object{{"Data", driver.data.empty() ? Value(nullptr) : json::encode(driver.data)}, {"Name", driver.name}};
}

// {"80/tcp": null, "443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "443"}]}
Object port_map_json(const std::vector<engine::PortView>& ports) {
    Object object;
    for (const engine::PortView& port : ports) {
        Value& bindings = object[std::to_string(port.private_port) + "/" + port.type];
        if (!port.public_port) continue;
        if (!bindings.is_array()) bindings = Array{};
        bindings.as_array().push_back(Object{{"HostIp", port.ip}, {"HostPort", std::to_string(*port.public_port)}});
    }
    return object;
}

Object network_settings_json(const engine::ContainerView& view, Version version) {
    Object object{
        {"SandboxID", view.network.sandbox_id},
        {"SandboxKey", view.network.sandbox_key},
        {"Ports", port_map_json(view.exposed_ports)},
        {"Networks", networks_json(view.network.networks, view.id.str(), version)},
    };
    if (at_least(version, 52)) return object;
    // The members of the default network, repeated at the top for the clients of old.
    auto bridge = view.network.networks.find("bridge");
    const model::EndpointSettings none;
    const model::EndpointSettings& endpoint = bridge == view.network.networks.end() ? none : bridge->second;
    object["Bridge"] = view.network.bridge;
    object["HairpinMode"] = false;
    object["LinkLocalIPv6Address"] = "";
    object["LinkLocalIPv6PrefixLen"] = 0;
    object["SecondaryIPAddresses"] = nullptr;
    object["SecondaryIPv6Addresses"] = nullptr;
    object["EndpointID"] = endpoint.endpoint_id;
    object["Gateway"] = endpoint.gateway;
    object["GlobalIPv6Address"] = endpoint.global_ipv6_address;
    object["GlobalIPv6PrefixLen"] = endpoint.global_ipv6_prefix_len;
    object["IPAddress"] = endpoint.ip_address;
    object["IPPrefixLen"] = endpoint.ip_prefix_len;
    object["IPv6Gateway"] = endpoint.ipv6_gateway;
    object["MacAddress"] = endpoint.mac_address;
    return object;
}

Object host_config_json(const model::HostConfig& config, Version version) {
    Value value = model::to_json(config);
    Object& object = value.as_object();
    if (!at_least(version, 42)) {
        object["KernelMemory"] = 0;
        object["KernelMemoryTCP"] = 0;
    }
    if (!at_least(version, 43)) object.erase("Annotations");
    // Members of other platforms that Docker's answers carry everywhere.
    object["CpuCount"] = 0;
    object["CpuPercent"] = 0;
    object["IOMaximumIOps"] = 0;
    object["IOMaximumBandwidth"] = 0;
    return std::move(object);
}

} // namespace

Value summary_json(const engine::ContainerSummary& summary, Version version) {
    Array ports;
    for (const auto& port : summary.ports) ports.push_back(port_json(port));
    Object host{{"NetworkMode", summary.network_mode}};
    if (at_least(version, 46) && !summary.annotations.empty()) host["Annotations"] = json::encode(summary.annotations);
    Array names{Value("/" + summary.name)};
    for (const std::string& name : summary.link_names) names.push_back(Value("/" + name));
    Object object{
        {"Id", summary.id.str()},
        {"Names", std::move(names)},
        {"Image", summary.image},
        {"ImageID", summary.image_id},
        {"Command", summary.command},
        {"Created", summary.created.ns / 1'000'000'000},
        {"Ports", std::move(ports)},
        {"Labels", json::encode(summary.labels)},
        {"State", engine::status_name(summary.status)},
        {"Status", summary.status_text},
        {"HostConfig", std::move(host)},
        {"NetworkSettings", Object{{"Networks", networks_json(summary.networks, summary.id.str(), version)}}},
        {"Mounts", mounts_json(summary.mounts)},
    };
    if (summary.size) {
        if (summary.size->rw != 0) object["SizeRw"] = summary.size->rw;
        object["SizeRootFs"] = summary.size->root_fs;
    }
    if (at_least(version, 52))
        object["Health"] =
            Object{{"Status", engine::health_name(summary.health)}, {"FailingStreak", summary.failing_streak}};
    return object;
}

Value inspect_json(const engine::ContainerView& view, Version version) {
    Object object{
        {"Id", view.id.str()},
        {"Created", to_rfc3339(view.created)},
        {"Path", view.path},
        {"Args", json::encode(view.args)},
        {"State", state_json(view.state)},
        {"Image", view.image_id},
        {"ResolvConfPath", view.resolv_conf_path},
        {"HostnamePath", view.hostname_path},
        {"HostsPath", view.hosts_path},
        {"LogPath", view.log_path},
        {"Name", "/" + view.name},
        {"RestartCount", view.restart_count},
        {"Driver", view.driver},
        {"Platform", view.platform},
        {"MountLabel", view.mount_label},
        {"ProcessLabel", view.process_label},
        {"AppArmorProfile", view.apparmor_profile},
        {"ExecIDs", view.exec_ids.empty() ? Value(nullptr) : json::encode(view.exec_ids)},
        {"HostConfig", host_config_json(view.host_config, version)},
        {"GraphDriver", graph_driver_json(view.graph_driver)},
        {"Mounts", mounts_json(view.mounts)},
        {"NetworkSettings", network_settings_json(view, version)},
    };
    if (view.size) {
        object["SizeRw"] = view.size->rw;
        object["SizeRootFs"] = view.size->root_fs;
    }
    Value config = model::to_json(view.config);
    if (at_least(version, 52) && view.config.on_build.empty()) config.as_object().erase("OnBuild");
    object["Config"] = std::move(config);
    return object;
}

} // namespace hull::api
