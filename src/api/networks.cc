// Networks: the three that always are. Making others has its own issue.
#include <algorithm>

#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

constexpr std::string_view list_names[] = {"dangling", "driver", "id", "label", "name", "scope", "type"};

Object containers_of(const NetworkFacts& network, const std::vector<engine::ContainerSummary>& running) {
    Object object;
    for (const auto& container : running) {
        auto endpoint = container.networks.find(network.name);
        if (endpoint == container.networks.end()) continue;
        const auto& e = endpoint->second;
        std::string v4 = e.ip_address.empty() ? "" : e.ip_address + "/" + std::to_string(e.ip_prefix_len);
        std::string v6 =
            e.global_ipv6_address.empty() ? "" : e.global_ipv6_address + "/" + std::to_string(e.global_ipv6_prefix_len);
        object[container.id.str()] = Object{{"Name", container.name},
                                            {"EndpointID", e.endpoint_id},
                                            {"MacAddress", e.mac_address},
                                            {"IPv4Address", v4},
                                            {"IPv6Address", v6}};
    }
    return object;
}

Object network_json(const NetworkFacts& network, Object containers, const Call& call) {
    Array pools;
    if (!network.subnet.empty()) {
        Object pool{{"Subnet", network.subnet}};
        if (!network.gateway.empty()) pool["Gateway"] = network.gateway;
        pools.push_back(std::move(pool));
    }
    Object object{
        {"Name", network.name},
        {"Id", network.id},
        {"Created", to_rfc3339(network.created)},
        {"Scope", "local"},
        {"Driver", network.driver},
        {"EnableIPv6", false},
        {"IPAM", Object{{"Driver", "default"}, {"Options", nullptr}, {"Config", std::move(pools)}}},
        {"Internal", false},
        {"Attachable", false},
        {"Ingress", false},
        {"ConfigFrom", Object{{"Network", ""}}},
        {"ConfigOnly", false},
        {"Containers", std::move(containers)},
        {"Options", json::encode(network.options)},
        {"Labels", Object{}},
    };
    if (call.at_least(48)) object["EnableIPv4"] = true;
    return object;
}

const NetworkFacts* find_network(const Call& call) {
    const auto& networks = call.options().networks;
    for (const NetworkFacts& network : networks)
        if (network.name == call.name() || network.id == call.name()) return &network;
    for (const NetworkFacts& network : networks)
        if (network.id.starts_with(call.name())) return &network;
    return nullptr;
}

Error no_such_network(const Call& call) { return Error(ErrorKind::not_found, "network " + call.name() + " not found"); }

} // namespace

Result<void> list_networks(Call& call) {
    auto filters = TRY(call.filters());
    TRY(filters.check_names(list_names));
    bool only_unused = TRY(filters.boolean("dangling", false));
    auto running = TRY(call.containers().list({}));
    Array array;
    for (const NetworkFacts& network : call.options().networks) {
        auto part_of = [](const std::string& whole) {
            return [&whole](const std::string& part) { return whole.find(part) != whole.npos; };
        };
        if (!filters.any("name", part_of(network.name)) || !filters.any("id", part_of(network.id))) continue;
        if (!filters.exact("driver", network.driver) || !filters.exact("scope", "local")) continue;
        if (!filters.exact("type", "builtin") || filters.has("label")) continue;
        // Networks of the engine's own are never "dangling".
        if (filters.has("dangling") && only_unused) continue;
        array.push_back(network_json(network, call.at_least(28) ? Object{} : containers_of(network, running), call));
    }
    return call.reply(200, array);
}

Result<void> inspect_network(Call& call) {
    const NetworkFacts* network = find_network(call);
    if (!network) return no_such_network(call);
    auto running = TRY(call.containers().list({}));
    return call.reply(200, network_json(*network, containers_of(*network, running), call));
}

Result<void> remove_network(Call& call) {
    const NetworkFacts* network = find_network(call);
    if (!network) return no_such_network(call);
    return Error(ErrorKind::forbidden, network->name + " is a pre-defined network and cannot be removed");
}

Result<void> prune_networks(Call& call) { return call.reply(200, Object{{"NetworksDeleted", nullptr}}); }

} // namespace hull::api
