#include "net/firewall.h"

#include <netinet/in.h> // ahead of the kernel's <linux/in.h>, which it makes quiet

#include <linux/netfilter.h>

#include "net/nft_transaction.h"

namespace hull::net {
namespace {

constexpr const char* k_uplinks = "uplinks";
constexpr std::string_view k_table_prefix = "hull-";
constexpr std::string_view k_egress_prefix = "hull-egress."; // egress_rules.h
constexpr const char* k_ports = "ports";
constexpr const char* k_ports6 = "ports6";
constexpr int32_t k_filter_priority = 0, k_source_nat_priority = 100, k_destination_nat_priority = -100,
                  k_raw_priority = -300;
constexpr size_t k_port_room = 160; // bytes of an element
const Prefix k_loopback{IpAddress::v4(127u << 24), 8};
const IpAddress k_loopback6 = IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

std::string table_of(const std::string& bridge) { return std::string(k_table_prefix) + bridge; }

using ChangePorts = void (NftTransaction::*)(const std::string& map, std::span<const PortRule> ports);

// Each family has its map.
void change(NftTransaction& nft, std::span<const PortRule> ports, ChangePorts what) {
    std::vector<PortRule> v4, v6;
    for (const PortRule& port : ports) (port.host.is_v6() ? v6 : v4).push_back(port);
    (nft.*what)(k_ports, v4);
    (nft.*what)(k_ports6, v6);
}

Result<void> change(const std::string& bridge, std::span<const PortRule> ports, ChangePorts what) {
    if (ports.empty()) return {};
    NetlinkSocket socket = TRY(open_netfilter_socket());
    NftTransaction nft(table_of(bridge), 4096 + ports.size() * k_port_room);
    change(nft, ports, what);
    return nft.commit(socket);
}

void add_forward_rules(NftTransaction& nft, const FirewallRules& rules) {
    nft.add_chain({"forward", "filter", NF_INET_FORWARD, k_filter_priority});
    if (rules.routing == Routing::only_for_containers) {
        nft.add_interface_set(k_uplinks);
        nft.add_interfaces(k_uplinks, rules.uplinks);
        nft.rule("forward", [&] {
            nft.interface_in_set(Direction::in, k_uplinks);
            nft.interface_in_set(Direction::out, k_uplinks);
            nft.verdict(Verdict::drop);
        });
    }
    if (rules.internal) {
        for (const Direction direction : {Direction::in, Direction::out})
            nft.rule("forward", [&] {
                nft.interface_name(direction, Match::equal, rules.bridge);
                nft.interface_name(direction == Direction::in ? Direction::out : Direction::in, Match::different,
                                   rules.bridge);
                nft.verdict(Verdict::drop);
            });
    }
    nft.rule("forward", [&] {
        nft.interface_name(Direction::out, Match::equal, rules.bridge);
        nft.destination_is_translated();
        nft.verdict(Verdict::accept);
    });
    // Seen here only where bridged packets pass the firewall (br_netfilter).
    nft.rule("forward", [&] {
        nft.interface_name(Direction::in, Match::equal, rules.bridge);
        nft.interface_name(Direction::out, Match::equal, rules.bridge);
        nft.verdict(rules.container_communication ? Verdict::accept : Verdict::drop);
    });
    nft.rule("forward", [&] {
        nft.interface_name(Direction::out, Match::equal, rules.bridge);
        nft.established_or_related();
        nft.verdict(Verdict::accept);
    });
    nft.rule("forward", [&] {
        nft.interface_name(Direction::out, Match::equal, rules.bridge);
        nft.verdict(Verdict::drop);
    });
}

void add_port_rules(NftTransaction& nft, const FirewallRules& rules) {
    nft.add_port_map(k_ports, IpFamily::v4);
    nft.add_port_map(k_ports6, IpFamily::v6);
    nft.add_chain({"guard", "filter", NF_INET_PRE_ROUTING, k_raw_priority});
    nft.rule("guard", [&] {
        nft.interface_name(Direction::in, Match::equal, rules.bridge);
        nft.destination_in(k_loopback);
        nft.verdict(Verdict::drop);
    });
    nft.add_chain({"prerouting", "nat", NF_INET_PRE_ROUTING, k_destination_nat_priority});
    nft.add_chain({"output", "nat", NF_INET_LOCAL_OUT, k_destination_nat_priority});
    for (const char* chain : {"prerouting", "output"})
        for (const HostAddress address : {HostAddress::own, HostAddress::any})
            nft.rule(chain, [&] {
                nft.local_destination();
                nft.translate_by(k_ports, IpFamily::v4, address);
            });
    if (rules.ipv6)
        for (const char* chain : {"prerouting", "output"})
            for (const HostAddress address : {HostAddress::own, HostAddress::any})
                nft.rule(chain, [&] {
                    nft.destination_not(k_loopback6);
                    nft.local_destination();
                    nft.translate_by(k_ports6, IpFamily::v6, address);
                });
    nft.add_chain({"postrouting", "nat", NF_INET_POST_ROUTING, k_source_nat_priority});
    std::vector<Prefix> sources = rules.subnets;
    sources.push_back(k_loopback);
    for (const Prefix& source : sources)
        nft.rule("postrouting", [&] {
            nft.source_in(source);
            nft.interface_name(Direction::out, Match::equal, rules.bridge);
            nft.destination_is_translated();
            nft.masquerade();
        });
}

} // namespace

Result<void> add_ports(const std::string& bridge, std::span<const PortRule> ports) {
    return change(bridge, ports, &NftTransaction::add_ports);
}

Result<void> remove_ports(const std::string& bridge, std::span<const PortRule> ports) {
    return change(bridge, ports, &NftTransaction::remove_ports);
}

Result<void> redirect_service(NetlinkSocket& socket, const IpAddress& address, uint16_t from, uint16_t udp,
                              uint16_t tcp) {
    NftTransaction nft("hull-names");
    nft.add_table(); // so that there is one to delete
    nft.delete_table();
    nft.add_table();
    nft.add_chain({"output", "nat", NF_INET_LOCAL_OUT, k_destination_nat_priority});
    nft.rule("output", [&] { nft.translate_port(17, address, from, udp); });
    nft.rule("output", [&] { nft.translate_port(6, address, from, tcp); });
    return nft.commit(socket);
}

Result<void> install_rules(const FirewallRules& rules) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    NftTransaction nft(table_of(rules.bridge), 32768 + rules.ports.size() * k_port_room);
    nft.add_table(); // so that there is one to delete
    nft.delete_table();
    nft.add_table();
    add_forward_rules(nft, rules);
    if (!rules.internal) {
        add_port_rules(nft, rules);
        change(nft, rules.ports, &NftTransaction::add_ports);
    }
    for (const Prefix& subnet : rules.subnets) {
        if (!rules.masquerade || rules.internal) break;
        if (subnet.address.is_v6() && !rules.ipv6) continue;
        nft.rule("postrouting", [&] {
            nft.source_in(subnet);
            nft.interface_name(Direction::out, Match::different, rules.bridge);
            nft.masquerade();
        });
    }
    return nft.commit(socket);
}

Result<void> remove_rules(const std::string& bridge) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    NftTransaction nft(table_of(bridge));
    nft.add_table();
    nft.delete_table();
    return nft.commit(socket);
}

Result<std::vector<std::string>> bridges_with_rules() {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    std::vector<std::string> bridges;
    for (const std::string& table : TRY(list_tables(socket)))
        if (table.starts_with(k_table_prefix) && !table.starts_with(k_egress_prefix))
            bridges.push_back(table.substr(k_table_prefix.size()));
    return bridges;
}

bool is_our_table(std::string_view table) { return table.starts_with(k_table_prefix); }

Result<size_t> count_rules(const std::string& bridge) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    return rules_in(socket, table_of(bridge));
}

Result<std::vector<PortRule>> published_ports(const std::string& bridge) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    std::vector<PortRule> ports = TRY(ports_in(socket, table_of(bridge), k_ports, IpFamily::v4));
    for (const PortRule& port : TRY(ports_in(socket, table_of(bridge), k_ports6, IpFamily::v6))) ports.push_back(port);
    return ports;
}

Result<size_t> count_ports(const std::string& bridge) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    return TRY(elements_in(socket, table_of(bridge), k_ports)) + TRY(elements_in(socket, table_of(bridge), k_ports6));
}

Result<bool> guards_routing(const std::string& bridge) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    return has_set(socket, table_of(bridge), k_uplinks);
}

Result<std::vector<std::string>> foreign_forward_drops() {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    return dropping_forward_chains(socket, k_table_prefix);
}

} // namespace hull::net
