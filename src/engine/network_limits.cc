// Where containers may send to, and how fast.
#include <algorithm>

#include "engine/endpoint_records.h"
#include "engine/network_keeper.h"
#include "engine/network_plan.h"
#include "net/shaper.h"

namespace hull::engine {
namespace {

bool is_bridge(const NetworkRecord& network) { return network.driver != "macvlan" && network.driver != "ipvlan"; }

} // namespace

// The container's own word, or its network's.
std::string NetworkKeeper::limit_of(const std::string& own, const Network& network, const char* key) const {
    if (!own.empty()) return own;
    std::lock_guard lock(mutex_);
    auto found = network.limits.find(key);
    return found == network.limits.end() ? std::string() : found->second;
}

NetworkRecord NetworkKeeper::record_of(const Network& network) const {
    NetworkRecord record = network.record;
    for (const char* key : {k_egress_key, k_bandwidth_key}) record.options.erase(key);
    record.options.insert(network.limits.begin(), network.limits.end());
    return record;
}

Result<NetworkRecord> NetworkKeeper::update(const std::string& name,
                                            const std::map<std::string, std::string>& options) {
    std::lock_guard one(creating_);
    NetworkPtr network = TRY(look_up(name));
    const NetworkRecord& record = network->record;
    if (is_predefined_network(record.name) || record.config_only)
        return Error(ErrorKind::forbidden,
                     "network " + record.name + " can't be updated: it is predefined, or settings for others");
    for (const auto& [key, value] : options)
        if (key != k_egress_key && key != k_bandwidth_key)
            return Error(ErrorKind::invalid_argument, "option " + key + " of a network can't be changed: only " +
                                                          k_egress_key + " and " + k_bandwidth_key + " can");
    TRY(check_limits(options, record.driver));
    NetworkRecord before, after;
    std::map<std::string, std::string> limits;
    {
        std::lock_guard lock(mutex_);
        before = record_of(*network);
        limits = network->limits;
    }
    for (const auto& [key, value] : options) {
        limits.erase(key);
        if (!value.empty()) limits[key] = value;
    }
    after = before;
    for (const char* key : {k_egress_key, k_bandwidth_key}) after.options.erase(key);
    after.options.insert(limits.begin(), limits.end());
    TRY(records_.put(store::Table::networks, record.id, model::print_network_record(after),
                     store::Durability::power_loss));
    std::lock_guard lock(mutex_);
    network->limits = std::move(limits);
    return before;
}

bool NetworkKeeper::limits_egress(const std::string& egress, const std::vector<std::string>& networks) const {
    for (const std::string& name : networks) {
        auto network = look_up(name);
        if (!network.ok()) continue;
        const std::string text = limit_of(egress, **network, k_egress_key);
        if (!text.empty() && text != "any") return true;
    }
    return false;
}

Result<void> NetworkKeeper::limit_egress(const NetworkMember& member, const Present& present,
                                         net::EgressGuard::Tables tables) {
    std::vector<net::EgressGuard::Way> ways;
    auto besides = net::EgressGuard::Besides::nothing;
    for (const EndpointRecord& endpoint : present.endpoints) {
        NetworkPtr network = by_id(endpoint.network_id);
        if (!network || !network->carrier) continue;
        const std::string text = limit_of(member.egress, *network, k_egress_key);
        auto list = text.empty() ? std::optional<net::EgressList>() : TRY(net::parse_egress(text));
        if (!list) {
            if (endpoint.leads_outside()) besides = net::EgressGuard::Besides::open_way;
            continue;
        }
        if (!is_bridge(network->record))
            return Error(ErrorKind::unsupported, "an egress list has no effect on the " + network->record.driver +
                                                     " network " + network->record.name +
                                                     ", whose containers are on the link themselves");
        // Who is asked for names has to be reached.
        for (const std::string& server : member.dns)
            if (auto ip = net::IpAddress::parse(server); ip.ok())
                for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}})
                    list->targets.push_back({{*ip, static_cast<uint8_t>(ip->bits())}, {protocol, 53, 53}});
        ways.push_back({network->carrier->name(), TRY(endpoint_from_record(endpoint)), *std::move(list)});
    }
    return egress_.set(member.container, std::move(ways), besides, tables);
}

Result<void> NetworkKeeper::limit_rates(const NetworkMember& member, const std::vector<EndpointRecord>& endpoints,
                                        BorrowedFd net_ns) const {
    for (const EndpointRecord& endpoint : endpoints) {
        NetworkPtr network = by_id(endpoint.network_id);
        if (!network) continue;
        const std::string text = limit_of(member.bandwidth, *network, k_bandwidth_key);
        if (text.empty()) continue;
        const net::Bandwidth rates = TRY(net::parse_bandwidth(text));
        if (rates.in != 0 && !is_bridge(network->record))
            return Error(ErrorKind::unsupported, "what comes in by the " + network->record.driver + " network " +
                                                     network->record.name + " can't be slowed down: give out= alone");
        TRY(net::limit_guest_rates(net_ns, endpoint.interface,
                                   is_bridge(network->record) ? endpoint.host_interface : "", rates.in, rates.out)
                .context("limit the bandwidth of container " + member.name));
    }
    return {};
}

Result<void> NetworkKeeper::change_limits(const NetworkMember& member, BorrowedFd net_ns) {
    Present present;
    {
        std::lock_guard lock(mutex_);
        auto found = present_.find(member.container);
        if (found == present_.end())
            return Error(ErrorKind::conflict, "container " + member.name + " is on no network of its own");
        present = found->second;
    }
    TRY(limit_egress(member, present, net::EgressGuard::Tables::anew));
    // No word of it any more: no limit.
    NetworkMember with = member;
    if (with.bandwidth.empty()) with.bandwidth = "none";
    for (const EndpointRecord& endpoint : present.endpoints) {
        NetworkPtr network = by_id(endpoint.network_id);
        if (network && !limit_of(member.bandwidth, *network, k_bandwidth_key).empty())
            TRY(limit_rates(member, {endpoint}, net_ns));
        else
            TRY(limit_rates(with, {endpoint}, net_ns));
    }
    return {};
}

} // namespace hull::engine
