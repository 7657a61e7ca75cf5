#include "net/egress_rules.h"

#include <algorithm>

#include <netinet/in.h> // ahead of the kernel's <linux/in.h>, which it makes quiet

#include <linux/if_ether.h>
#include <linux/netfilter.h>

#include "base/log.h"
#include "net/conntrack.h"
#include "net/link.h"
#include "net/nft_transaction.h"

namespace hull::net {
namespace {

constexpr std::string_view k_prefix = "hull-egress.";
constexpr int32_t k_before_others = -10;
constexpr size_t k_rule_room = 640, k_set_room = 256, k_element_room = 64;

std::string egress_table(const std::string& link) { return std::string(k_prefix) + link; }

// The kinds of ports that names of the list have, each once.
std::vector<EgressPorts> port_kinds(const EgressList& list) {
    std::vector<EgressPorts> out;
    for (const EgressName& one : list.names) out.push_back(one.ports);
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
}

std::string set_of(size_t kind, bool v6) { return (v6 ? "names6-" : "names4-") + std::to_string(kind); }

void match_ports(NftTransaction& nft, const EgressPorts& ports) {
    if (ports.protocol == 0) return;
    nft.protocol_is(ports.protocol);
    if (ports.first != 0 || ports.last != 65535) nft.destination_port(ports.first, ports.last);
}

void add_list_chain(NftTransaction& nft, const EgressList& list) {
    nft.add_plain_chain("list");
    nft.rule("list", [&] {
        nft.established_or_related();
        nft.verdict(Verdict::accept);
    });
    for (const EgressTarget& target : list.targets)
        nft.rule("list", [&] {
            if (target.network.length == 0)
                nft.family_is(target.network.address.is_v6() ? IpFamily::v6 : IpFamily::v4);
            else
                nft.destination_in(target.network);
            match_ports(nft, target.ports);
            nft.verdict(Verdict::accept);
        });
    const auto kinds = port_kinds(list);
    for (size_t kind = 0; kind < kinds.size(); ++kind)
        for (const bool v6 : {false, true})
            nft.rule("list", [&] {
                match_ports(nft, kinds[kind]);
                nft.destination_in_set(set_of(kind, v6), v6 ? IpFamily::v6 : IpFamily::v4);
                nft.verdict(Verdict::accept);
            });
    nft.rule("list", [&] { nft.reject(); });
}

// One element a call: the same address may come from several names.
void add_names(NftTransaction& nft, const EgressList& list, std::span<const NamedAddress> known) {
    const auto kinds = port_kinds(list);
    for (const NamedAddress& one : known)
        for (const EgressTarget& target : list.targets_of(one.name, one.ip)) {
            const auto kind = static_cast<size_t>(std::ranges::find(kinds, target.ports) - kinds.begin());
            nft.add_addresses(set_of(kind, one.ip.is_v6()), {&one.ip, 1}, static_cast<uint64_t>(one.lasts.count()));
        }
}

// What isn't from its own address never gets to the bridge.
Result<void> bind_source(NetlinkSocket& socket, const Endpoint& endpoint) {
    NftTransaction nft(egress_table(endpoint.host_interface), 8192, NftFamily::netdev);
    nft.add_table();
    nft.delete_table();
    nft.add_table();
    nft.add_ingress_chain("source", endpoint.host_interface);
    nft.rule("source", [&] {
        nft.ethernet_type(ETH_P_IP);
        if (!endpoint.ip.unspecified()) nft.ethernet_source(Match::different, endpoint.ip);
        nft.verdict(Verdict::drop);
    });
    if (endpoint.ip6)
        nft.rule("source", [&] {
            nft.ethernet_type(ETH_P_IPV6);
            nft.ethernet_source(Match::equal, *endpoint.ip6);
            nft.verdict(Verdict::accept);
        });
    // Neighbours are found from link-local addresses, too.
    nft.rule("source", [&] {
        nft.ethernet_type(ETH_P_IPV6);
        nft.protocol_is(IPPROTO_ICMPV6);
        nft.verdict(Verdict::accept);
    });
    nft.rule("source", [&] {
        nft.ethernet_type(ETH_P_IPV6);
        nft.verdict(Verdict::drop);
    });
    return nft.commit(socket);
}

bool allows(const EgressTarget& target, const IpAddress& to, uint8_t protocol, uint16_t port) {
    const EgressPorts& ports = target.ports;
    return target.network.address.is_v6() == to.is_v6() && target.network.contains(to) &&
           (ports.protocol == 0 || (ports.protocol == protocol && ports.first <= port && port <= ports.last));
}

} // namespace

Result<void> install_egress(const std::string& bridge, const Endpoint& endpoint, const EgressList& list,
                            std::span<const NamedAddress> known) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    TRY(bind_source(socket, endpoint));
    const auto kinds = port_kinds(list);
    NftTransaction nft(egress_table(endpoint.host_interface),
                       16384 + (list.targets.size() + kinds.size() * 2) * k_rule_room + kinds.size() * 2 * k_set_room +
                           known.size() * (list.names.size() + 1) * 4 * k_element_room);
    nft.add_table();
    nft.delete_table();
    nft.add_table();
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
        nft.add_address_set(set_of(kind, false), IpFamily::v4);
        nft.add_address_set(set_of(kind, true), IpFamily::v6);
    }
    add_list_chain(nft, list);
    std::vector<IpAddress> sources;
    if (!endpoint.ip.unspecified()) sources.push_back(endpoint.ip);
    if (endpoint.ip6) sources.push_back(*endpoint.ip6);
    for (const uint32_t hook : {NF_INET_FORWARD, NF_INET_LOCAL_IN}) {
        const char* chain = hook == NF_INET_FORWARD ? "forward" : "input";
        nft.add_chain({chain, "filter", hook, k_before_others});
        for (const IpAddress& source : sources) {
            if (hook == NF_INET_LOCAL_IN && source.is_v6())
                nft.rule(chain, [&] { // the gateway is a neighbour
                    nft.interface_name(Direction::in, Match::equal, bridge);
                    nft.source(Match::equal, source);
                    nft.protocol_is(IPPROTO_ICMPV6);
                    nft.verdict(Verdict::accept);
                });
            nft.rule(chain, [&] {
                nft.interface_name(Direction::in, Match::equal, bridge);
                // Where bridged packets pass the firewall (br_netfilter): its own network is free.
                if (hook == NF_INET_FORWARD) nft.interface_name(Direction::out, Match::different, bridge);
                nft.source(Match::equal, source);
                nft.jump("list");
            });
        }
    }
    add_names(nft, list, known);
    TRY(nft.commit(socket));

    std::vector<EgressTarget> stays = list.targets;
    for (const NamedAddress& one : known)
        for (const EgressTarget& target : list.targets_of(one.name, one.ip)) stays.push_back(target);
    for (const IpAddress& source : sources) {
        auto done = forget_conversations_from(source, [&](const IpAddress& to, uint8_t protocol, uint16_t port) {
            return std::ranges::any_of(stays, [&](const EgressTarget& one) { return allows(one, to, protocol, port); });
        });
        if (!done.ok()) log::warning("end conversations that are not allowed any more", done.error());
    }
    return {};
}

Result<void> extend_egress(const std::string& link, const EgressList& list, std::span<const NamedAddress> known) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    const auto kinds = port_kinds(list);
    for (const NamedAddress& one : known)
        for (const EgressTarget& target : list.targets_of(one.name, one.ip)) {
            const std::string set =
                set_of(static_cast<size_t>(std::ranges::find(kinds, target.ports) - kinds.begin()), one.ip.is_v6());
            // In place of the one that is there, whose time can't be changed by older kernels.
            NftTransaction again(egress_table(link), 4096);
            again.remove_addresses(set, {&one.ip, 1});
            again.add_addresses(set, {&one.ip, 1}, static_cast<uint64_t>(one.lasts.count()));
            auto done = again.commit(socket);
            if (done.ok()) continue;
            if (done.error().code() != ENOENT) return done;
            NftTransaction first(egress_table(link), 4096);
            first.add_addresses(set, {&one.ip, 1}, static_cast<uint64_t>(one.lasts.count()));
            TRY(first.commit(socket));
        }
    return {};
}

Result<void> remove_egress(const std::string& link) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    for (const NftFamily family : {NftFamily::inet, NftFamily::netdev}) {
        NftTransaction nft(egress_table(link), 4096, family);
        nft.add_table(); // so that there is one to delete
        nft.delete_table();
        TRY(nft.commit(socket));
    }
    return {};
}

Result<bool> has_egress(const std::string& link) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    for (const NftFamily family : {NftFamily::inet, NftFamily::netdev}) {
        const auto tables = TRY(list_tables(socket, family));
        if (std::ranges::find(tables, egress_table(link)) == tables.end()) return false;
    }
    return true;
}

void sweep_egress() {
    auto sweep = []() -> Result<void> {
        NetlinkSocket socket = TRY(open_netfilter_socket()), routes = TRY(open_route_socket());
        for (const NftFamily family : {NftFamily::inet, NftFamily::netdev})
            for (const std::string& table : TRY(list_tables(socket, family))) {
                if (!table.starts_with(k_prefix)) continue;
                const std::string link = table.substr(k_prefix.size());
                if (!TRY(find_link(routes, link))) TRY(remove_egress(link));
            }
        return {};
    };
    if (auto done = sweep(); !done.ok()) log::warning("remove left-over egress lists", done.error());
}

} // namespace hull::net
