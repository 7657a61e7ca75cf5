// The published ports of those who are on networks.
#include <algorithm>

#include "base/log.h"
#include "engine/endpoint_records.h"
#include "engine/network_keeper.h"

namespace hull::engine {
namespace {

Error port_error(const NetworkMember& member, const EndpointRecord& endpoint, const Error& why) {
    return Error(ErrorKind::system, "driver failed programming external connectivity on endpoint " + member.name +
                                        " (" + endpoint.endpoint_id + "): " + why.message());
}

bool host_has_ipv6() {
    static const bool has = [] {
        net::HostPorts probe;
        return probe
            .reserve("", {.protocol = 6,
                          .host = net::IpAddress::v6({}),
                          .first = 0,
                          .last = 0,
                          .container = {},
                          .container_port = 0})
            .ok();
    }();
    return has;
}

// Of the family of host, if the container has such a one.
net::IpAddress container_address(const net::Endpoint& endpoint, const net::IpAddress& host) {
    if (endpoint.ip.unspecified() && endpoint.ip6) return *endpoint.ip6;
    return host.is_v6() && endpoint.ip6 ? *endpoint.ip6 : endpoint.ip;
}

Result<net::PortRule> rule_of(const PublishedPort& port, const net::Endpoint& endpoint) {
    const net::IpAddress host = TRY(net::IpAddress::parse(port.host_ip));
    return net::PortRule{.protocol = protocol_number(port.protocol),
                         .host = host,
                         .host_port = static_cast<uint16_t>(port.host_port),
                         .container = container_address(endpoint, host),
                         .container_port = static_cast<uint16_t>(port.container_port)};
}

// Those that the firewall translates.
std::vector<net::PortRule> rules_of(const std::vector<PublishedPort>& ports, const net::Endpoint& endpoint) {
    std::vector<net::PortRule> rules;
    for (const PublishedPort& port : ports)
        if (auto rule = rule_of(port, endpoint); rule.ok() && rule->host.is_v6() == rule->container.is_v6())
            rules.push_back(*rule);
    return rules;
}

} // namespace

Result<void> NetworkKeeper::publish(const NetworkMember& member, Present& present) {
    if (member.ports.empty()) return {};
    auto list = by_preference(member, present);
    // Those of a macvlan are on the link themselves.
    std::erase_if(list, [&](const EndpointRecord& one) {
        NetworkPtr of = by_id(one.network_id);
        return !of || !of->carrier || !of->carrier->publishes();
    });
    if (list.empty() || !list[0].leads_outside()) return {}; // no way out, none in
    // Where others of it are already, or the way out.
    auto at =
        present.ports.empty() ? list.end() : std::ranges::find(list, present.port_network, &EndpointRecord::network_id);
    const EndpointRecord& endpoint = at == list.end() ? list[0] : *at;
    NetworkPtr network = by_id(endpoint.network_id);
    if (!network || !network->carrier) return {};
    const net::Endpoint target = TRY(endpoint_from_record(endpoint));
    std::string default_ip;
    if (auto option = network->record.options.find("com.docker.network.bridge.host_binding_ipv4");
        option != network->record.options.end())
        default_ip = option->second;

    auto reserve = [&](const PortWish& wish, const std::string& host, uint16_t first,
                       uint16_t last) -> Result<uint16_t> {
        const net::IpAddress address = TRY(net::IpAddress::parse(host));
        return host_ports_.reserve(member.container, {.protocol = protocol_number(wish.protocol),
                                                      .host = address,
                                                      .first = first,
                                                      .last = last,
                                                      .container = container_address(target, address),
                                                      .container_port = wish.container_port});
    };
    auto one = [&](const PortWish& wish) -> Result<void> {
        const std::string asked = wish.host_ip.empty() ? default_ip : wish.host_ip;
        // Only TCP is carried to a container without an address of that family.
        const bool only6 = target.ip.unspecified() && wish.protocol != "tcp";
        const bool only4 = !target.ip6 && wish.protocol != "tcp";
        const std::string host = !asked.empty() ? asked : only6 ? "::" : "0.0.0.0";
        if (host.find(':') != std::string::npos ? only4 : only6)
            return Error(ErrorKind::unsupported, "publishing a " + wish.protocol + " port on the address " + host +
                                                     " of a container without an address of that family is not "
                                                     "supported");
        const uint16_t port = TRY(reserve(wish, host, wish.first, wish.last));
        present.ports.push_back({wish.protocol, wish.container_port, port, host});
        if (!asked.empty() || only4 || only6 || !host_has_ipv6()) return {};
        // The same port for those who come by IPv6.
        auto second = reserve(wish, "::", port, port);
        if (!second.ok() && wish.first != 0) return std::move(second).error();
        if (second.ok()) present.ports.push_back({wish.protocol, wish.container_port, port, "::"});
        return {};
    };
    const size_t before = present.ports.size();
    auto done = [&]() -> Result<void> {
        for (const PortWish& wish : member.ports) TRY(one(wish));
        const std::vector<PublishedPort> added(present.ports.begin() + static_cast<ptrdiff_t>(before),
                                               present.ports.end());
        return network->carrier->publish(rules_of(added, target), endpoint.host_interface);
    }();
    present.port_network = network->record.id;
    if (done.ok()) return {};
    while (present.ports.size() > before) { // nothing of them is in the firewall
        give_back(member.container, present.ports.back());
        present.ports.pop_back();
    }
    return port_error(member, endpoint, done.error());
}

void NetworkKeeper::give_back(const std::string& container, const PublishedPort& port) {
    if (auto host = net::IpAddress::parse(port.host_ip); host.ok())
        host_ports_.release(container, protocol_number(port.protocol), *host, static_cast<uint16_t>(port.host_port));
}

Result<NetworkKeeper::Joined> NetworkKeeper::change_ports(const NetworkMember& member,
                                                          const std::vector<PublishedPort>& gone) {
    Present present;
    {
        std::lock_guard lock(mutex_);
        auto found = present_.find(member.container);
        if (found == present_.end())
            return Error(ErrorKind::conflict, "container " + member.name + " is on no network that publishes ports");
        present = found->second;
    }
    const size_t before = present.ports.size();
    TRY(publish(member, present));
    if (!member.ports.empty() && present.ports.size() == before)
        return Error(ErrorKind::forbidden, "container " + member.name + " is on no network that leads outside");
    for (const EndpointRecord& endpoint : present.endpoints) {
        NetworkPtr network = by_id(endpoint.network_id);
        if (endpoint.network_id != present.port_network || !network || !network->carrier) continue;
        if (auto target = endpoint_from_record(endpoint); target.ok())
            network->carrier->unpublish(rules_of(gone, *target));
    }
    for (const PublishedPort& port : gone) {
        give_back(member.container, port);
        std::erase(present.ports, port);
    }
    std::lock_guard lock(mutex_);
    Joined out = joined(member, present);
    present_[member.container] = std::move(present);
    return out;
}

void NetworkKeeper::unpublish(const std::string& container, Present& present) {
    if (present.ports.empty()) return;
    NetworkPtr network = by_id(present.port_network);
    for (const EndpointRecord& endpoint : present.endpoints) {
        if (!network || !network->carrier || endpoint.network_id != present.port_network) continue;
        if (auto target = endpoint_from_record(endpoint); target.ok())
            network->carrier->unpublish(rules_of(present.ports, *target));
    }
    host_ports_.release(container);
    present.ports.clear();
}

Result<void> NetworkKeeper::publish_rules(const Present& present) {
    for (const EndpointRecord& endpoint : present.endpoints) {
        if (endpoint.network_id != present.port_network) continue;
        NetworkPtr network = by_id(endpoint.network_id);
        if (network && network->carrier)
            TRY(network->carrier->publish(rules_of(present.ports, TRY(endpoint_from_record(endpoint))),
                                          endpoint.host_interface));
    }
    return {};
}

// After a restart of the engine: the same ports again.
Result<void> NetworkKeeper::publish_again(const std::string& container, Present& present) {
    for (const EndpointRecord& endpoint : present.endpoints) {
        if (endpoint.network_id != present.port_network) continue;
        const net::Endpoint target = TRY(endpoint_from_record(endpoint));
        for (const PublishedPort& port : present.ports) {
            const net::PortRule rule = TRY(rule_of(port, target));
            auto reserved = host_ports_.reserve(container, {.protocol = rule.protocol,
                                                            .host = rule.host,
                                                            .first = rule.host_port,
                                                            .last = rule.host_port,
                                                            .container = rule.container,
                                                            .container_port = rule.container_port});
            // Somebody else has it on this machine by now; the translation works all the same.
            if (!reserved.ok()) log::warning("take over a published port", reserved.error());
        }
    }
    return publish_rules(present);
}

} // namespace hull::engine
