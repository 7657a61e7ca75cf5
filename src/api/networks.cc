// Networks: the three that always are, and those of the users.
#include <algorithm>

#include "api/handlers.h"
#include "codec/json.h"
#include "model/network.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;
using model::NetworkRecord;

constexpr std::string_view list_names[] = {"dangling", "driver", "id", "label", "name", "scope", "type"};

// A predefined one as a record.
NetworkRecord record_of(const NetworkFacts& facts) {
    NetworkRecord record;
    record.id = facts.id;
    record.name = facts.name;
    record.driver = facts.driver;
    record.created = facts.created;
    record.options = facts.options;
    if (!facts.subnet.empty()) record.ipam.config.push_back({facts.subnet, "", facts.gateway, {}});
    if (!facts.subnet6.empty()) record.ipam.config.push_back({facts.subnet6, "", facts.gateway6, {}});
    record.enable_ipv6 = !facts.subnet6.empty();
    return record;
}

Object containers_of(const NetworkRecord& network, const std::vector<engine::ContainerSummary>& running) {
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

bool is_predefined(const Call& call, const std::string& id) {
    return std::ranges::any_of(call.options().networks, [&](const NetworkFacts& facts) { return facts.id == id; });
}

Object network_json(const NetworkRecord& network, Object containers, const Call& call) {
    Array pools;
    for (const model::IpamPool& one : network.ipam.config) {
        Object pool{{"Subnet", one.subnet}};
        if (!one.ip_range.empty()) pool["IPRange"] = one.ip_range;
        if (!one.gateway.empty()) pool["Gateway"] = one.gateway;
        if (!one.aux_addresses.empty()) pool["AuxiliaryAddresses"] = json::encode(one.aux_addresses);
        pools.push_back(std::move(pool));
    }
    Object object{
        {"Name", network.name},
        {"Id", network.id},
        {"Created", to_rfc3339(network.created)},
        {"Scope", "local"},
        {"Driver", network.driver},
        {"EnableIPv6", network.enable_ipv6},
        {"IPAM",
         Object{{"Driver", "default"}, {"Options", json::encode(network.ipam.options)}, {"Config", std::move(pools)}}},
        {"Internal", network.internal},
        {"Attachable", network.attachable},
        {"Ingress", false},
        {"ConfigFrom", Object{{"Network", network.config_from}}},
        {"ConfigOnly", network.config_only},
        {"Containers", std::move(containers)},
        {"Options", json::encode(network.options)},
        {"Labels", json::encode(network.labels)},
    };
    if (call.at_least(48)) object["EnableIPv4"] = network.enable_ipv4;
    return object;
}

std::vector<NetworkRecord> all_networks(const Call& call) {
    std::vector<NetworkRecord> records;
    for (const NetworkFacts& facts : call.options().networks) records.push_back(record_of(facts));
    for (NetworkRecord& record : call.networks().all()) records.push_back(std::move(record));
    return records;
}

Result<NetworkRecord> find_network(const Call& call) {
    const auto records = all_networks(call);
    for (const NetworkRecord& record : records)
        if (record.name == call.name() || record.id == call.name()) return record;
    const NetworkRecord* match = nullptr;
    for (const NetworkRecord& record : records) {
        if (!record.id.starts_with(call.name())) continue;
        if (match)
            return Error(ErrorKind::invalid_argument,
                         "network " + call.name() + " is ambiguous (2 matches found based on ID prefix)");
        match = &record;
    }
    if (!match) return Error(ErrorKind::not_found, "network " + call.name() + " not found");
    return *match;
}

Error no_body() { return {ErrorKind::invalid_argument, "invalid JSON: got EOF while reading request body"}; }

} // namespace

Result<void> list_networks(Call& call) {
    auto filters = TRY(call.filters());
    TRY(filters.check_names(list_names));
    bool only_unused = TRY(filters.boolean("dangling", false));
    for (const std::string& type : filters.get("type"))
        if (type != "builtin" && type != "custom")
            return Error(ErrorKind::invalid_argument, "invalid filter: 'type'='" + type + "'");
    auto running = TRY(call.containers().list({}));
    Array array;
    for (const NetworkRecord& network : all_networks(call)) {
        const bool predefined = is_predefined(call, network.id);
        if (!filters.matches("name", network.name) || !filters.matches("id", network.id)) continue;
        if (!filters.exact("driver", network.driver) || !filters.exact("scope", "local")) continue;
        if (!filters.exact("type", predefined ? "builtin" : "custom")) continue;
        if (!filters.labels("label", network.labels)) continue;
        // Networks of the engine's own are never "dangling".
        const bool unused = !predefined && !call.networks().in_use(network.id);
        if (filters.has("dangling") && only_unused != unused) continue;
        array.push_back(network_json(network, call.at_least(28) ? Object{} : containers_of(network, running), call));
    }
    return call.reply(200, array);
}

Result<void> inspect_network(Call& call) {
    const NetworkRecord network = TRY(find_network(call));
    auto running = TRY(call.containers().list({}));
    return call.reply(200, network_json(network, containers_of(network, running), call));
}

Result<void> create_network(Call& call) {
    const std::string body = TRY(call.json_body());
    if (body.empty()) return no_body();
    const NetworkRecord record = TRY(call.networks().create(TRY(model::parse_network_request(body))));
    std::string warning;
    for (const model::IpamPool& pool : record.ipam.config)
        if (!record.enable_ipv6 && pool.subnet.find(':') != std::string::npos)
            warning = "the subnet " + pool.subnet + " is not used: IPv6 is not enabled on this network";
    return call.reply(201, Object{{"Id", record.id}, {"Warning", warning}});
}

Result<void> remove_network(Call& call) {
    const NetworkRecord network = TRY(find_network(call));
    if (is_predefined(call, network.id))
        return Error(ErrorKind::forbidden, network.name + " is a pre-defined network and cannot be removed");
    TRY(call.networks().remove(network.id));
    return call.reply_empty(204);
}

// Our own: {"Options": {"hull.egress": "allow=10.0.0.0/8", "hull.bandwidth": ""}}
Result<void> update_network(Call& call) {
    const std::string body = TRY(call.json_body());
    if (body.empty()) return no_body();
    const auto wrong = [] {
        return Error(ErrorKind::invalid_argument, "an object \"Options\" with texts is wanted, and nothing else");
    };
    const Value parsed = TRY(json::parse(body));
    const Value* options = parsed.is_object() ? parsed.get_object().if_contains("Options") : nullptr;
    if (!options || !options->is_object() || parsed.get_object().size() != 1) return wrong();
    std::map<std::string, std::string> changes;
    for (const auto& [key, value] : options->get_object()) {
        if (!value.is_string()) return wrong();
        changes[key] = value.get_string();
    }
    const NetworkRecord network = TRY(find_network(call));
    if (is_predefined(call, network.id))
        return Error(ErrorKind::forbidden, network.name + " is a pre-defined network and cannot be updated");
    TRY(call.networks().update(network.id, changes));
    return call.reply_empty(200);
}

Result<void> prune_networks(Call& call) {
    auto removed = TRY(call.networks().prune(TRY(call.filters())));
    return call.reply(200, Object{{"NetworksDeleted", removed.empty() ? Value(nullptr) : json::encode(removed)}});
}

Result<void> connect_network(Call& call) {
    const std::string body = TRY(call.json_body());
    if (body.empty()) return no_body();
    const auto request = TRY(model::parse_network_connect(body));
    TRY(call.networks().connect(TRY(find_network(call)).name, request));
    return call.reply_empty(200);
}

Result<void> disconnect_network(Call& call) {
    const std::string body = TRY(call.json_body());
    if (body.empty()) return no_body();
    const auto request = TRY(model::parse_network_connect(body));
    TRY(call.networks().disconnect(TRY(find_network(call)).name, request.container, request.force));
    return call.reply_empty(200);
}

} // namespace hull::api
