// Where containers may send to, and how fast.
#include <algorithm>

#include "engine/endpoint_records.h"
#include "engine/network_keeper.h"
#include "net/shaper.h"

namespace hull::engine {
namespace {

// The container's own word, or its network's.
std::string limit_of(const std::string& own, const NetworkRecord& network, const char* key) {
    if (!own.empty()) return own;
    auto found = network.options.find(key);
    return found == network.options.end() ? std::string() : found->second;
}

bool is_bridge(const NetworkRecord& network) { return network.driver != "macvlan" && network.driver != "ipvlan"; }

} // namespace

bool NetworkKeeper::limits_egress(const std::string& egress, const std::vector<std::string>& networks) const {
    for (const std::string& name : networks) {
        auto network = look_up(name);
        if (!network.ok()) continue;
        const std::string text = limit_of(egress, (*network)->record, k_egress_key);
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
        const std::string text = limit_of(member.egress, network->record, k_egress_key);
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
        const std::string text = limit_of(member.bandwidth, network->record, k_bandwidth_key);
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
        if (network && member.bandwidth.empty() && network->record.options.contains(k_bandwidth_key))
            TRY(limit_rates(member, {endpoint}, net_ns));
        else
            TRY(limit_rates(with, {endpoint}, net_ns));
    }
    return {};
}

} // namespace hull::engine
