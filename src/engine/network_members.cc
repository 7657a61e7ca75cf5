// Who is on which network: endpoints, names, ports, the default route.
#include <algorithm>

#include <sys/socket.h>

#include "base/log.h"
#include "engine/endpoint_records.h"
#include "engine/network_keeper.h"
#include "net/endpoint_settings.h"

namespace hull::engine {
namespace {

const model::EndpointSettings& settings_of(const NetworkMember& member, const std::string& network) {
    static const model::EndpointSettings none;
    auto found = member.networks.find(network);
    return found == member.networks.end() ? none : found->second;
}

std::string option_of(const model::EndpointSettings& settings, const char* key) {
    auto found = settings.driver_opts.find(key);
    return found == settings.driver_opts.end() ? std::string() : found->second;
}

// The one asked for, or the lowest eth<n> that nobody has or asked for.
Result<std::string> choose_interface(const NetworkMember& member, const model::EndpointSettings& settings,
                                     const std::vector<EndpointRecord>& endpoints, const std::string& prefix) {
    const auto taken = [&](const std::string& name) {
        return std::ranges::find(endpoints, name, &EndpointRecord::interface) != endpoints.end();
    };
    if (const std::string asked = option_of(settings, k_interface_option); !asked.empty()) {
        if (taken(asked))
            return Error(ErrorKind::conflict,
                         "container " + member.name + " has an interface " + asked + " already: choose another name");
        return asked;
    }
    for (unsigned n = 0;; ++n) {
        std::string name = prefix + std::to_string(n);
        const bool wanted = std::ranges::any_of(member.networks, [&](const auto& network) {
            return option_of(network.second, k_interface_option) == name;
        });
        if (!taken(name) && !wanted) return name;
    }
}

Result<net::EndpointRequest> endpoint_request(const model::EndpointSettings& settings) {
    net::EndpointRequest request;
    if (settings.ipam_config && !settings.ipam_config->ipv4_address.empty()) {
        auto ip = net::IpAddress::parse(settings.ipam_config->ipv4_address);
        if (!ip.ok())
            return Error(ErrorKind::invalid_argument, "invalid IPv4 address: " + settings.ipam_config->ipv4_address);
        request.ip = *ip;
    }
    if (settings.ipam_config && !settings.ipam_config->ipv6_address.empty()) {
        auto ip = net::IpAddress::parse(settings.ipam_config->ipv6_address);
        if (!ip.ok() || !ip->is_v6())
            return Error(ErrorKind::invalid_argument, "invalid IPv6 address: " + settings.ipam_config->ipv6_address);
        request.ip6 = *ip;
    }
    if (!settings.mac_address.empty()) {
        auto mac = net::MacAddress::parse(settings.mac_address);
        if (!mac.ok()) return Error(ErrorKind::invalid_argument, "invalid MAC address: " + settings.mac_address);
        request.mac = *mac;
    }
    return request;
}

// Source of the lengths: libnetwork, endpoint.go.
Result<std::vector<net::Prefix>> link_local_addresses(const model::EndpointSettings& settings) {
    constexpr uint8_t length = 16, length6 = 64;
    std::vector<net::Prefix> out;
    if (!settings.ipam_config) return out;
    for (const std::string& text : settings.ipam_config->link_local_ips) {
        const net::IpAddress ip = TRY(net::IpAddress::parse(text));
        out.push_back({ip, ip.is_v6() ? length6 : length});
    }
    return out;
}

Result<void> configure(BorrowedFd net_ns, const std::string& interface,
                       const std::vector<net::InterfaceSetting>& sysctls, const std::vector<net::Prefix>& more) {
    TRY(net::apply_interface_settings(net_ns, interface, sysctls));
    return net::add_addresses(net_ns, interface, more);
}

} // namespace

NetworkKeeper::Joined NetworkKeeper::joined(const NetworkMember& member, const Present& present) {
    Joined out{.endpoints = {}, .ports = present.ports};
    for (const EndpointRecord& endpoint : present.endpoints)
        if (!member.first || endpoint.endpoint_id != member.first->endpoint_id) out.endpoints.push_back(endpoint);
    return out;
}

// The default route, ports and look-ups prefer: networks that lead outside, a
// higher priority, then the name (as Docker orders them).
std::vector<EndpointRecord> NetworkKeeper::by_preference(const NetworkMember& member, const Present& present) const {
    std::vector<EndpointRecord> list = present.endpoints;
    std::ranges::stable_sort(list, [&](const EndpointRecord& a, const EndpointRecord& b) {
        auto internal = [&](const EndpointRecord& one) {
            NetworkPtr network = by_id(one.network_id);
            return network && is_isolated(network->record);
        };
        if (internal(a) != internal(b)) return internal(b);
        if (a.leads_outside() != b.leads_outside()) return a.leads_outside();
        const int first = settings_of(member, a.network).gw_priority,
                  second = settings_of(member, b.network).gw_priority;
        if (first != second) return first > second;
        return a.network < b.network;
    });
    return list;
}

Result<EndpointRecord> NetworkKeeper::attach(const NetworkMember& member, const NetworkPtr& network, BorrowedFd net_ns,
                                             const Present& present) {
    if (network->record.config_only)
        return Error(ErrorKind::forbidden, network->record.name + " is a configuration-only network: no container can "
                                                                  "be on it");
    if (!network->carrier)
        return Error(ErrorKind::unavailable, "network " + network->record.name + " could not be set up on this host");
    const model::EndpointSettings& settings = settings_of(member, network->record.name);
    const net::EndpointRequest request = TRY(endpoint_request(settings));
    std::vector<net::InterfaceSetting> sysctls;
    if (const std::string text = option_of(settings, k_sysctls_option); !text.empty())
        sysctls = TRY(net::parse_interface_settings(text));
    const std::vector<net::Prefix> link_local = TRY(link_local_addresses(settings));
    auto prefix = network->record.options.find("com.docker.network.container_iface_prefix");
    const std::string interface = TRY(choose_interface(
        member, settings, present.endpoints, prefix == network->record.options.end() ? "eth" : prefix->second));
    {
        std::lock_guard lock(mutex_);
        if (!networks_.contains(network->record.id))
            return Error(ErrorKind::not_found, "network " + network->record.name + " not found");
        network->members.insert(member.container);
    }
    auto made = network->carrier->attach(net_ns, interface, request, net::Network::DefaultRoute::leave);
    if (made.ok())
        if (auto set = configure(net_ns, interface, sysctls, link_local); !set.ok()) {
            (void)network->carrier->detach(net_ns, *made);
            made = std::move(set).error();
        }
    if (!made.ok()) {
        {
            std::lock_guard lock(mutex_);
            network->members.erase(member.container);
        }
        // What was made of the link is on its way out; the next one may want its name.
        network->carrier->drain();
        Error why = std::move(made).error();
        if (why.kind() != ErrorKind::no_space) return why;
        const std::string text = why.message();
        return Error(ErrorKind::no_space,
                     text.substr(0, text.rfind(": ")) + ": " + network->record.name + " (" + network->record.id + ")");
    }
    EndpointRecord record = record_of_endpoint(*made, network->record.id, network->record.name);
    if (is_isolated(network->record)) record.gateway = record.ipv6_gateway = "";
    return record;
}

void NetworkKeeper::detach(const std::string& container, const EndpointRecord& endpoint,
                           std::optional<BorrowedFd> live) {
    NetworkPtr network = by_id(endpoint.network_id);
    if (!network) return;
    if (network->carrier) {
        net::Endpoint gone;
        gone.host_interface = endpoint.host_interface;
        gone.interface = endpoint.interface;
        auto done = live ? network->carrier->detach(*live, gone) : Result<void>();
        if (!done.ok()) log::warning("take " + endpoint.interface + " from container " + container, done.error());
        if (!live || !done.ok()) network->carrier->disconnect(gone);
    }
    std::lock_guard lock(mutex_);
    network->members.erase(container);
}

Result<void> NetworkKeeper::set_gateway(const NetworkMember& member, Present& present, BorrowedFd net_ns) {
    const auto list = by_preference(member, present);
    // Each family has its own way out.
    auto set = [&](int family, std::string EndpointRecord::* gateway, std::string& now) -> Result<void> {
        const auto out = std::ranges::find_if(list, [&](const EndpointRecord& one) { return !(one.*gateway).empty(); });
        const std::string wanted = out == list.end() ? "" : out->interface;
        if (wanted == now) return {};
        std::optional<net::IpAddress> address;
        if (out != list.end()) address = TRY(net::IpAddress::parse((*out).*gateway));
        TRY(net::set_default_route(net_ns, family, wanted, address));
        now = wanted;
        return {};
    };
    TRY(set(AF_INET, &EndpointRecord::gateway, present.gateway));
    return set(AF_INET6, &EndpointRecord::ipv6_gateway, present.gateway6);
}

void NetworkKeeper::set_names(const NetworkMember& member, const Present& present) {
    std::vector<NetworkNames::Member> list;
    for (const EndpointRecord& endpoint : by_preference(member, present)) {
        NetworkPtr network = by_id(endpoint.network_id);
        auto made = endpoint_from_record(endpoint);
        // No names on the default bridge, as in Docker.
        if (!network || !made.ok() || network->record.name == "bridge") continue;
        const model::EndpointSettings& settings = settings_of(member, endpoint.network);
        NetworkNames::Member one{.network_id = endpoint.network_id,
                                 .network = endpoint.network,
                                 .ips = {},
                                 .main = member.name,
                                 .names = {member.name, member.container.substr(0, 12), member.hostname},
                                 .links = {},
                                 .internal = is_isolated(network->record)};
        if (!made->ip.unspecified()) one.ips.push_back(made->ip);
        if (made->ip6) one.ips.push_back(*made->ip6);
        for (const std::string& alias : settings.aliases) one.names.push_back(alias);
        for (const std::string& link : settings.links) {
            const size_t colon = link.find(':');
            const std::string target = link.substr(0, colon);
            one.links[colon == link.npos ? target : link.substr(colon + 1)] =
                target.substr(target.starts_with('/') ? 1 : 0);
        }
        list.push_back(std::move(one));
    }
    names_.set(member.container, std::move(list));
}

Result<void> NetworkKeeper::serve_names(const NetworkMember& member, Present& present, BorrowedFd net_ns) {
    std::vector<std::string> networks;
    for (const EndpointRecord& endpoint : present.endpoints) networks.push_back(endpoint.network);
    // One with a list on the default bridge, too: names that aren't on it aren't asked.
    const bool wants = limits_egress(member.egress, networks) ||
                       std::ranges::any_of(present.endpoints, [](const EndpointRecord& endpoint) {
                           return endpoint.network != "bridge" && !endpoint.network.empty();
                       });
    set_names(member, present);
    if (!wants || present.named) return {};
    net::NameServer::Outside outside{.servers = member.dns, .from = net::NameServer::From::container};
    if (member.dns.empty()) outside = {.servers = member.host_dns, .from = net::NameServer::From::host};
    TRY(server_->open(member.container, net_ns, std::move(outside)).context("start the name server"));
    present.named = true;
    return {};
}

void NetworkKeeper::forget(const std::string& container, Present& present) {
    names_.remove(container);
    egress_.forget(container);
    server_->close(container);
    unpublish(container, present);
    for (const EndpointRecord& endpoint : present.endpoints) detach(container, endpoint);
}

Result<NetworkKeeper::Joined> NetworkKeeper::join(const NetworkMember& member, BorrowedFd net_ns) {
    Present present;
    if (member.first) {
        present.endpoints.push_back(*member.first);
        present.endpoints[0].network = "bridge";
        present.gateway = present.endpoints[0].gateway.empty() ? "" : member.first->interface;
        present.gateway6 = present.endpoints[0].ipv6_gateway.empty() ? "" : member.first->interface;
    }
    auto done = [&]() -> Result<void> {
        std::vector<std::string> names;
        for (const auto& [name, settings] : member.networks)
            if (!is_predefined_network(name) || (name == "bridge" && !member.first)) names.push_back(name);
        // The main network is eth0.
        std::ranges::stable_partition(names, [&](const std::string& name) { return name == member.main_network; });
        for (const std::string& name : names)
            present.endpoints.push_back(TRY(attach(member, TRY(look_up(name)), net_ns, present)));
        TRY(limit_egress(member, present, net::EgressGuard::Tables::anew));
        TRY(limit_rates(member, present.endpoints, net_ns));
        TRY(set_gateway(member, present, net_ns));
        TRY(serve_names(member, present, net_ns));
        return publish(member, present);
    }();
    if (!done.ok()) {
        // The first one is its taker's to give back.
        if (member.first) present.endpoints.erase(present.endpoints.begin());
        forget(member.container, present);
        return std::move(done).error();
    }
    std::lock_guard lock(mutex_);
    if (member.first)
        if (auto bridge = networks_.find(member.first->network_id); bridge != networks_.end())
            bridge->second->members.insert(member.container);
    Joined out = joined(member, present);
    present_[member.container] = std::move(present);
    return out;
}

void NetworkKeeper::recover(const std::vector<EndpointRecord>& live) {
    std::map<std::string, std::vector<net::Endpoint>> by_network;
    for (const EndpointRecord& record : live)
        if (auto endpoint = endpoint_from_record(record); endpoint.ok())
            by_network[record.network_id].push_back(*endpoint);
    for (const auto& [id, network] : networks_) {
        if (!network->own) continue;
        if (auto done = network->own->recover(by_network[id]); !done.ok())
            log::warning("take over network " + network->record.name, done.error());
    }
}

void NetworkKeeper::recovered() {
    std::lock_guard lock(mutex_);
    for (const auto& [id, network] : networks_)
        if (network->carrier) network->carrier->unpublish_inherited();
}

Result<void> NetworkKeeper::rejoin(const NetworkMember& member, BorrowedFd net_ns, const Joined& before) {
    Present present;
    if (member.first) {
        present.endpoints.push_back(*member.first);
        present.endpoints[0].network = "bridge";
    }
    for (const EndpointRecord& endpoint : before.endpoints) present.endpoints.push_back(endpoint);
    present.ports = before.ports;
    const auto list = by_preference(member, present);
    for (const EndpointRecord& one : list) {
        NetworkPtr network = by_id(one.network_id);
        if (!network || !network->carrier || !network->carrier->publishes()) continue;
        present.port_network = one.network_id;
        break;
    }
    for (const EndpointRecord& one : list) {
        if (present.gateway.empty() && !one.gateway.empty()) present.gateway = one.interface;
        if (present.gateway6.empty() && !one.ipv6_gateway.empty()) present.gateway6 = one.interface;
    }
    {
        std::lock_guard lock(mutex_);
        for (const EndpointRecord& endpoint : present.endpoints)
            if (auto network = networks_.find(endpoint.network_id); network != networks_.end())
                network->second->members.insert(member.container);
    }
    if (auto done = limit_egress(member, present, net::EgressGuard::Tables::if_missing); !done.ok())
        log::error("egress list of container " + member.container, done.error());
    auto named = serve_names(member, present, net_ns);
    auto published = publish_again(member.container, present);
    {
        std::lock_guard lock(mutex_);
        present_[member.container] = std::move(present);
    }
    TRY(std::move(published));
    return named;
}

std::vector<EndpointRecord> NetworkKeeper::leave(const std::string& container) {
    Present present;
    {
        std::lock_guard lock(mutex_);
        auto found = present_.find(container);
        if (found == present_.end()) return {};
        present = std::move(found->second);
        present_.erase(found);
    }
    forget(container, present);
    return std::move(present.endpoints);
}

Result<NetworkKeeper::Joined> NetworkKeeper::connect(const NetworkMember& member, const std::string& name,
                                                     BorrowedFd net_ns) {
    NetworkPtr network = TRY(look_up(name));
    Present present;
    {
        std::lock_guard lock(mutex_);
        present = present_[member.container];
    }
    if (std::ranges::find(present.endpoints, network->record.id, &EndpointRecord::network_id) !=
        present.endpoints.end())
        return Error(ErrorKind::forbidden, "endpoint with name " + member.name + " already exists in network " + name);
    EndpointRecord endpoint = TRY(attach(member, network, net_ns, present));
    present.endpoints.push_back(endpoint);
    auto done = limit_egress(member, present, net::EgressGuard::Tables::if_missing);
    if (done.ok()) done = limit_rates(member, {endpoint}, net_ns);
    if (done.ok()) done = set_gateway(member, present, net_ns);
    if (done.ok()) done = serve_names(member, present, net_ns);
    if (done.ok() && present.ports.empty()) done = publish(member, present);
    if (!done.ok()) {
        detach(member.container, endpoint, net_ns);
        present.endpoints.pop_back();
        (void)limit_egress(member, present, net::EgressGuard::Tables::if_missing);
        (void)set_gateway(member, present, net_ns);
        set_names(member, present);
        return std::move(done).error();
    }
    std::lock_guard lock(mutex_);
    Joined out = joined(member, present);
    present_[member.container] = std::move(present);
    return out;
}

Result<NetworkKeeper::Joined> NetworkKeeper::disconnect(const NetworkMember& member, const std::string& name,
                                                        BorrowedFd net_ns) {
    NetworkPtr network = TRY(look_up(name));
    Present present;
    {
        std::lock_guard lock(mutex_);
        present = present_[member.container];
    }
    auto at = std::ranges::find(present.endpoints, network->record.id, &EndpointRecord::network_id);
    if (at == present.endpoints.end())
        return Error(ErrorKind::forbidden,
                     "container " + member.container + " is not connected to network " + network->record.name);
    const EndpointRecord endpoint = *at;
    const bool had_ports = present.port_network == network->record.id && !present.ports.empty();
    if (had_ports) unpublish(member.container, present);
    present.endpoints.erase(std::ranges::find(present.endpoints, endpoint.endpoint_id, &EndpointRecord::endpoint_id));
    detach(member.container, endpoint, net_ns); // and its routes
    for (std::string* gateway : {&present.gateway, &present.gateway6})
        if (*gateway == endpoint.interface) gateway->clear();
    set_names(member, present);
    if (auto done = limit_egress(member, present, net::EgressGuard::Tables::if_missing); !done.ok())
        log::error("egress list of container " + member.container, done.error());
    if (auto done = set_gateway(member, present, net_ns); !done.ok()) log::warning("default route", done.error());
    if (had_ports)
        if (auto done = publish(member, present); !done.ok()) log::warning("published ports", done.error());
    std::lock_guard lock(mutex_);
    Joined out = joined(member, present);
    present_[member.container] = std::move(present);
    return out;
}

void NetworkKeeper::rename(const NetworkMember& member) {
    Present present;
    {
        std::lock_guard lock(mutex_);
        auto found = present_.find(member.container);
        if (found == present_.end()) return;
        present = found->second;
    }
    set_names(member, present);
}

} // namespace hull::engine
