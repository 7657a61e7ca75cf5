#include "net/firewall.h"

#include <linux/netfilter.h>

#include "net/nft_transaction.h"

namespace hull::net {
namespace {

constexpr const char* k_uplinks = "uplinks";
constexpr std::string_view k_table_prefix = "hull-";
constexpr int32_t k_filter_priority = 0, k_source_nat_priority = 100;

std::string table_of(const std::string& bridge) { return std::string(k_table_prefix) + bridge; }

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

} // namespace

Result<void> install_rules(const FirewallRules& rules) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    NftTransaction nft(table_of(rules.bridge));
    nft.add_table(); // so that there is one to delete
    nft.delete_table();
    nft.add_table();
    add_forward_rules(nft, rules);
    if (rules.masquerade) {
        nft.add_chain({"postrouting", "nat", NF_INET_POST_ROUTING, k_source_nat_priority});
        nft.rule("postrouting", [&] {
            nft.source_in(rules.subnet);
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
        if (table.starts_with(k_table_prefix)) bridges.push_back(table.substr(k_table_prefix.size()));
    return bridges;
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
