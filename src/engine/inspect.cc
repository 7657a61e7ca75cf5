#include "engine/container_networks.h"
#include "engine/links.h"
#include "engine/port_bindings.h"
#include "engine/service.h"
#include "engine/spec_builder.h"

#include <algorithm>
#include <tuple>

namespace hull::engine {
namespace {

StateView view_state(const Container& container) {
    return container.look([](const ContainerState& state, const Volatile& v) {
        StateView view;
        view.status = view_status(state);
        view.running = has_processes(state.status) || view.status == Status::restarting;
        view.paused = state.status == ContainerStatus::paused;
        view.restarting = view.status == Status::restarting;
        view.oom_killed = state.oom_killed;
        view.dead = state.status == ContainerStatus::dead;
        view.pid = state.pid;
        view.exit_code = state.exit_code;
        view.error = state.error;
        view.started_at = state.started_at;
        view.finished_at = state.finished_at;
        view.health = v.health;
        return view;
    });
}

GraphDriverView graph_driver(const Core& core, const Container& container) {
    const std::string dir = core.dirs->path(container.id), writable = core.dirs->writable(container.id);
    std::string lower;
    for (const std::string& layer : container.lease().lower()) lower += (lower.empty() ? "" : ":") + layer;
    return {.name = "overlay2",
            .data = {{"LowerDir", lower},
                     {"MergedDir", dir + "/merged"},
                     {"UpperDir", writable + "/upper"},
                     {"WorkDir", writable + "/work"}}};
}

} // namespace

std::vector<MountPointView> view_mounts(const ContainerSettings& settings) {
    std::vector<MountPointView> views;
    for (const model::MountPoint& mount : settings.mounts) {
        // Docker leaves those of --tmpfs out.
        if (mount.type == "tmpfs" && !mount.from_mounts) continue;
        views.push_back({.type = mount.type,
                         .name = mount.name,
                         .source = mount.source,
                         .destination = mount.destination,
                         .driver = mount.type != "volume" ? ""
                                   : mount.driver.empty() ? "local"
                                                          : mount.driver,
                         .mode = mount.mode,
                         .rw = mount.rw,
                         .propagation = mount.propagation});
    }
    return views;
}

std::map<std::string, model::EndpointSettings> view_networks(const Core& core, const ContainerSettings& settings,
                                                             const ContainerState& state) {
    auto networks = networks_of(settings, state);
    // Where the link itself is the way out, there is no gateway to show.
    auto gateway = [](const std::string& text) { return text == "0.0.0.0" || text == "::" ? std::string() : text; };
    auto fill = [&](model::EndpointSettings& endpoint, const EndpointRecord& record) {
        endpoint.network_id = record.network_id;
        endpoint.endpoint_id = record.endpoint_id;
        endpoint.gateway = gateway(record.gateway);
        endpoint.ip_address = record.ip_address;
        endpoint.ip_prefix_len = record.prefix_length;
        endpoint.mac_address = record.mac_address;
        endpoint.global_ipv6_address = record.ipv6_address;
        endpoint.global_ipv6_prefix_len = record.ipv6_prefix_length;
        endpoint.ipv6_gateway = gateway(record.ipv6_gateway);
    };
    for (auto& [name, endpoint] : networks) {
        if (is_predefined_network(name)) continue;
        if (auto record = core.networks->find(name); record.ok()) endpoint.network_id = record->id;
        std::vector<std::string> names = {settings.name};
        for (const std::string& alias : endpoint.aliases) names.push_back(alias);
        names.push_back(settings.id.substr(0, 12));
        names.push_back(settings.config.hostname);
        endpoint.dns_names.clear();
        for (std::string& one : names)
            if (std::ranges::find(endpoint.dns_names, one) == endpoint.dns_names.end())
                endpoint.dns_names.push_back(std::move(one));
    }
    if (auto bridge = networks.find("bridge"); bridge != networks.end() && state.started_at.ns != 0)
        bridge->second.network_id = core.sandboxes.network_id();
    if (state.endpoint) fill(networks["bridge"], *state.endpoint);
    for (const EndpointRecord& record : state.endpoints) fill(networks[record.network], record);
    return networks;
}

std::vector<PortView> view_ports(const ContainerSettings& settings, const ContainerState& state) {
    std::vector<PortView> ports;
    for (const model::PublishedPort& port : state.ports)
        ports.push_back({.ip = port.host_ip,
                         .private_port = static_cast<uint16_t>(port.container_port),
                         .public_port = static_cast<uint16_t>(port.host_port),
                         .type = port.protocol});
    std::vector<std::string> texts = settings.config.exposed_ports;
    for (const auto& [text, bindings] : settings.host_config.port_bindings) texts.push_back(text);
    for (const std::string& text : texts) {
        auto exposed = expand_ports(text);
        if (!exposed.ok()) continue;
        for (const ExposedPort& port : *exposed)
            if (std::ranges::none_of(ports, [&](const PortView& one) {
                    return one.private_port == port.port && one.type == port.protocol;
                }))
                ports.push_back({.ip = "", .private_port = port.port, .public_port = {}, .type = port.protocol});
    }
    std::ranges::stable_sort(ports, [](const PortView& a, const PortView& b) {
        return std::tie(a.private_port, a.type) < std::tie(b.private_port, b.type);
    });
    return ports;
}

std::vector<PortView> shown_ports(const ContainerSettings& settings, const ContainerState& state) {
    std::vector<PortView> ports = view_ports(settings, state);
    const std::string& mode = settings.host_config.network_mode;
    if (mode == "host" || mode == "none" || !joined_container(mode).empty())
        std::erase_if(ports, [](const PortView& port) { return !port.public_port; });
    return ports;
}

Result<SizeView> measure(const Core& core, const Container& container) {
    SizeView size;
    size.rw = TRY(core.dirs->writable_size(container.id));
    size.root_fs = size.rw;
    auto image = core.images.resolve(container.settings().image_id);
    if (image.ok()) size.root_fs += static_cast<int64_t>((*image)->size);
    return size;
}

ContainerView make_view(const Core& core, const Container& container) {
    const ContainerSettings& settings = container.settings();
    const std::string dir = core.dirs->path(container.id);
    ContainerState state = container.state();
    ContainerView view;
    view.id = container.id;
    view.name = container.name();
    view.created = settings.created;
    view.path = settings.path;
    view.args = settings.args;
    view.state = view_state(container);
    view.image_id = settings.image_id;
    view.config = settings.config;
    view.host_config = settings.host_config;
    view.host_config.links = view_links(core, container);
    // The files are there once it was started.
    if (state.started_at.ns != 0) {
        std::string names = dir;
        if (std::string donor = joined_container(settings.host_config.network_mode); !donor.empty())
            if (auto other = core.registry.find(donor); other.ok()) names = core.dirs->path((*other)->id);
        view.resolv_conf_path = names + "/resolv.conf";
        view.hostname_path = names + "/hostname";
        view.hosts_path = names + "/hosts";
        if (settings.host_config.log_config.type == "json-file")
            view.log_path = dir + "/" + container.id.str() + "-json.log";
    }
    view.restart_count = state.restart_count;
    container.look(
        [&](const ContainerState&, const Volatile& v) { view.exec_ids.assign(v.execs.begin(), v.execs.end()); });
    view.graph_driver = graph_driver(core, container);
    if (core.options.apparmor)
        if (auto security = parse_security_options(settings.host_config, core.options); security.ok())
            view.apparmor_profile = security->apparmor.empty() ? "unconfined" : security->apparmor;
    view.mounts = view_mounts(settings);
    view.network.networks = view_networks(core, settings, state);
    if (has_processes(state.status)) {
        view.network.sandbox_id = container.id.str();
        view.network.sandbox_key = "/proc/" + std::to_string(state.pid) + "/ns/net";
        view.exposed_ports = shown_ports(settings, state);
    }
    return view;
}

Result<ContainerView> ContainersService::inspect(const std::string& name, bool size) {
    ContainerPtr container = TRY(core_.registry.find(name));
    ContainerView view = make_view(core_, *container);
    if (size) view.size = TRY(measure(core_, *container));
    return view;
}

} // namespace hull::engine
