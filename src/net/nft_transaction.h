// One atomic change of nf_tables, spoken directly over netlink: all of it
// takes effect, or nothing.
//
// A rule is a list of expressions that run in order; a comparison that fails
// ends the rule. The names are nft(8)'s. Only .cc files of net/ include this.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/netlink.h"
#include "net/port_rule.h"

namespace hull::net {

enum class Verdict : int { drop = 0, accept = 1 };
enum class Match : uint32_t { equal = 0, different = 1 };
enum class Direction : unsigned char { in, out };
enum class HostAddress : unsigned char { own, any };
enum class NftFamily : unsigned char { inet, netdev };
enum class IpFamily : unsigned char { v4, v6 };

class NftTransaction {
public:
    // All that follows is about this table of this family.
    // room: bytes for what follows.
    explicit NftTransaction(std::string table, size_t room = 32768, NftFamily family = NftFamily::inet);

    void add_table(); // exists: fine
    void delete_table();

    struct BaseChain {
        std::string name, type; // "filter", "nat"
        uint32_t hook;          // NF_INET_*
        int32_t priority;
    };
    void add_chain(const BaseChain& chain); // policy accept

    // What comes in by this device, ahead of everything else; of family netdev.
    void add_ingress_chain(const std::string& name, const std::string& device);
    void add_plain_chain(const std::string& name); // others jump there

    // Addresses that go by themselves when their time is over.
    void add_address_set(const std::string& name, IpFamily family);
    // lasts: milliseconds.
    void add_addresses(const std::string& set, std::span<const IpAddress> addresses, uint64_t lasts);
    void remove_addresses(const std::string& set, std::span<const IpAddress> addresses);

    void add_interface_set(const std::string& name);
    void add_interfaces(const std::string& set, const std::vector<std::string>& interfaces);

    // protocol . address . port : address . port
    void add_port_map(const std::string& map, IpFamily family);
    void add_ports(const std::string& map, std::span<const PortRule> ports);
    void remove_ports(const std::string& map, std::span<const PortRule> ports);

    // rule("forward", [&] { interface(...); verdict(...); });
    template <class F>
    void rule(const std::string& chain, F&& expressions) {
        begin_rule(chain);
        batch_.nest(k_expressions, expressions);
    }
    void interface_name(Direction direction, Match match, const std::string& name);
    void interface_in_set(Direction direction, const std::string& set);
    void source_in(const Prefix& network);
    void destination_in(const Prefix& network);
    void local_destination();                       // one of this machine's addresses
    void destination_is_translated();               // by a port map, earlier
    void destination_not(const IpAddress& address); // of its family
    // To where the map says for the packet's destination, or for 0.0.0.0 or ::.
    void translate_by(const std::string& map, IpFamily family, HostAddress address);
    // A packet of protocol to this port goes to another one of the same address.
    void translate_port(uint8_t protocol, const IpAddress& address, uint16_t from, uint16_t to);
    void established_or_related();
    void family_is(IpFamily family) { only(family); }
    void protocol_is(uint8_t protocol); // of layer 4
    void destination_port(uint16_t first, uint16_t last);
    void source(Match match, const IpAddress& address); // of its family, in an inet table
    void destination_in_set(const std::string& set, IpFamily family);
    void ethernet_type(uint16_t type);                           // in a netdev table
    void ethernet_source(Match match, const IpAddress& address); // after ethernet_type
    void jump(const std::string& chain);
    void reject(); // as administratively prohibited
    void masquerade();
    void verdict(Verdict verdict);

    Result<void> commit(NetlinkSocket& socket);

private:
    static const uint16_t k_expressions;
    void begin(uint16_t type, uint16_t flags, const char* doing);
    void begin_rule(const std::string& chain);
    void load_meta(uint32_t key);
    void compare(Match match, std::span<const uint8_t> value);
    void compare_as(uint32_t operation, std::span<const uint8_t> value);
    void change_addresses(uint16_t type, const std::string& set, std::span<const IpAddress> addresses, uint64_t lasts);
    void mask(std::span<const uint8_t> mask);
    template <class F>
    void expression(const char* name, F&& data);

    const std::string table_;
    const NftFamily family_;
    void address_in(const Prefix& network, Direction side);
    void only(IpFamily family);
    void load_payload(uint32_t base, uint32_t offset, uint32_t length, uint32_t reg);
    void change_ports(uint16_t type, const std::string& map, std::span<const PortRule> ports);

    uint32_t address_sets_ = 0;
    Batch batch_;
};

Result<NetlinkSocket> open_netfilter_socket();
Result<std::vector<std::string>> list_tables(NetlinkSocket& socket, NftFamily family = NftFamily::inet);
// Rules of this table of family inet.
Result<size_t> rules_in(NetlinkSocket& socket, const std::string& table);
// Elements of this set or map of a table of family inet; none where it is missing.
Result<size_t> elements_in(NetlinkSocket& socket, const std::string& table, const std::string& set);
// What is in a port map; none where the table is missing.
Result<std::vector<PortRule>> ports_in(NetlinkSocket& socket, const std::string& table, const std::string& map,
                                       IpFamily family);
// Does this table of family inet hold such a set? Missing tables are fine.
Result<bool> has_set(NetlinkSocket& socket, const std::string& table, const std::string& set);
// Base chains at the forward hook that drop what no rule accepts, as
// "<family> <table> <chain>"; those in tables whose name starts with ours are left out.
Result<std::vector<std::string>> dropping_forward_chains(NetlinkSocket& socket, std::string_view ours);

} // namespace hull::net
