#include "engine/container_networks.h"

#include "engine/net_files.h"

namespace hull::engine {
namespace {

bool has_own_networks(const std::string& mode) {
    return mode != "host" && mode != "none" && joined_container(mode).empty();
}

} // namespace

std::map<std::string, model::EndpointSettings> networks_of(const ContainerSettings& settings,
                                                           const ContainerState& state) {
    if (state.networks) return *state.networks;
    const std::string& mode = settings.host_config.network_mode;
    if (!joined_container(mode).empty()) return {};
    std::map<std::string, model::EndpointSettings> networks;
    if (!has_own_networks(mode)) {
        networks[mode] = {};
        return networks;
    }
    networks = settings.networking.endpoints_config;
    networks.try_emplace(network_name(mode));
    return networks;
}

Result<NetworkMember> make_member(const Core& core, const Container& container) {
    const ContainerSettings& settings = container.settings();
    const model::HostConfig& host = settings.host_config;
    const ContainerState state = container.state();
    NetworkMember member;
    member.container = container.id.str();
    member.name = container.name();
    member.hostname = settings.config.hostname;
    // Who left "none" may be on others.
    const bool left_none = host.network_mode == "none" && state.networks && !state.networks->contains("none");
    if ((!has_own_networks(host.network_mode) && !left_none) || settings.config.network_disabled) return member;
    member.networks = networks_of(settings, state);
    member.main_network = network_name(host.network_mode);
    member.first = state.endpoint;
    member.ports = TRY(port_wishes(settings.config, host));
    for (auto& [name, endpoint] : member.networks) {
        // --mac-address is for the main network, --link too.
        if (name != member.main_network) continue;
        if (endpoint.mac_address.empty()) endpoint.mac_address = settings.config.mac_address;
        if (!is_predefined_network(name))
            endpoint.links.insert(endpoint.links.end(), host.links.begin(), host.links.end());
    }
    auto annotation = [&](const char* key) {
        auto found = host.annotations.find(key);
        return found == host.annotations.end() ? std::string() : found->second;
    };
    member.egress = annotation(k_egress_key);
    member.bandwidth = annotation(k_bandwidth_key);
    const bool restricted = !member.egress.empty() && member.egress != "any";
    if (restricted || member.networks.size() > 1 || !is_predefined_network(member.main_network)) {
        member.dns = host.dns.empty() ? core.options.dns : host.dns;
        auto text = core.host.read_file("/etc/resolv.conf", 1 << 20);
        if (text.ok()) member.host_dns = name_servers(*text);
    }
    return member;
}

Result<void> check_networks(const Core& core, ContainerSettings& settings) {
    auto name_of = [&](const std::string& key) {
        if (is_predefined_network(key)) return network_name(key);
        auto record = core.networks->find(key);
        return record.ok() ? record->name : key;
    };
    model::HostConfig& host = settings.host_config;
    if (has_own_networks(host.network_mode) && !is_predefined_network(host.network_mode))
        host.network_mode = name_of(host.network_mode);
    std::map<std::string, model::EndpointSettings> named;
    for (auto& [key, endpoint] : settings.networking.endpoints_config) {
        // The main one is looked for at the start; 404 would make clients pull the image.
        if (!is_predefined_network(key) && name_of(key) != host.network_mode && !core.networks->find(key).ok())
            return Error(ErrorKind::invalid_argument, "network " + key + " not found");
        named.insert_or_assign(name_of(key), std::move(endpoint));
    }
    settings.networking.endpoints_config = std::move(named);
    TRY(port_wishes(settings.config, host));
    return {};
}

void publish_network(Core& core, const Container& container, const EndpointRecord& endpoint, const char* action) {
    // Removed already: it was the last one on it, and most are bridges.
    const auto network = core.networks->find(endpoint.network_id);
    core.events.publish({.type = "network",
                         .action = action,
                         .actor = endpoint.network_id,
                         .attributes = {{"container", container.id.str()},
                                        {"name", endpoint.network.empty() ? "bridge" : endpoint.network},
                                        {"type", network.ok() ? network->driver : "bridge"}},
                         .time = {}});
}

} // namespace hull::engine
