#include "net/nft_transaction.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include <netinet/in.h> // ahead of the kernel's <linux/in.h>, which it makes quiet

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace hull::net {
namespace {

constexpr uint32_t k_register = NFT_REG_1;
constexpr uint32_t k_ifname_type = 41;       // what nft(8) calls the type "ifname"; the kernel only keeps it
constexpr uint32_t k_first_address_set = 16; // ids within a transaction
constexpr uint32_t k_destination_port_offset = 2;
// The registers of four bytes behind the start of k_register.
constexpr uint32_t k_second = NFT_REG32_01;
// nft(8)'s numbers of types; a concatenation has six bits for each.
constexpr uint32_t k_protocol_type = 12, k_service_type = 13, k_type_bits = 6;

// What differs between the two.
struct FamilyFacts {
    uint8_t number;
    uint32_t source, destination; // offsets in the header
    uint32_t size;                // of an address
    uint32_t type;                // nft(8)'s number
    uint32_t map_id;
};
constexpr FamilyFacts k_ipv4{NFPROTO_IPV4, 12, 16, 4, 7, 2}, k_ipv6{NFPROTO_IPV6, 8, 24, 16, 8, 3};

const FamilyFacts& facts_of(IpFamily family) { return family == IpFamily::v6 ? k_ipv6 : k_ipv4; }
const FamilyFacts& facts_of(const IpAddress& ip) { return ip.is_v6() ? k_ipv6 : k_ipv4; }

uint8_t number_of(NftFamily family) { return family == NftFamily::netdev ? NFPROTO_NETDEV : NFPROTO_INET; }

uint16_t nft_type(uint16_t type) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type); }

void put_family(Batch& batch, uint8_t family, uint16_t resource = 0) {
    auto& header = batch.header<nfgenmsg>();
    header.nfgen_family = family;
    header.version = NFNETLINK_V0;
    header.res_id = htons(resource);
}

// The kernel compares interface names as 16 bytes padded with zeros.
std::array<uint8_t, IFNAMSIZ> padded(const std::string& interface) {
    std::array<uint8_t, IFNAMSIZ> out{};
    std::copy_n(interface.begin(), std::min(interface.size(), out.size() - 1), out.begin());
    return out;
}

std::array<uint8_t, 2> port_bytes(uint16_t port) {
    return {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port & 0xff)};
}

uint32_t meta_key(Direction direction) { return direction == Direction::in ? NFT_META_IIFNAME : NFT_META_OIFNAME; }

std::string family_name(uint8_t family) {
    switch (family) {
    case NFPROTO_INET: return "inet";
    case NFPROTO_IPV4: return "ip";
    case NFPROTO_IPV6: return "ip6";
    default: return "family " + std::to_string(family);
    }
}

} // namespace

const uint16_t NftTransaction::k_expressions = NFTA_RULE_EXPRESSIONS;

NftTransaction::NftTransaction(std::string table, size_t room, NftFamily family)
    : table_(std::move(table)), family_(family), batch_(room) {
    batch_.add(NFNL_MSG_BATCH_BEGIN, 0, "begin");
    put_family(batch_, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

void NftTransaction::begin(uint16_t type, uint16_t flags, const char* doing) {
    batch_.add(nft_type(type), NLM_F_ACK | flags, doing);
    put_family(batch_, number_of(family_));
}

void NftTransaction::add_table() {
    begin(NFT_MSG_NEWTABLE, NLM_F_CREATE, "add nft table");
    batch_.put_text(NFTA_TABLE_NAME, table_);
}

void NftTransaction::delete_table() {
    begin(NFT_MSG_DELTABLE, 0, "delete nft table");
    batch_.put_text(NFTA_TABLE_NAME, table_);
}

void NftTransaction::add_chain(const BaseChain& chain) {
    begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add nft chain");
    batch_.put_text(NFTA_CHAIN_TABLE, table_);
    batch_.put_text(NFTA_CHAIN_NAME, chain.name);
    batch_.nest(NFTA_CHAIN_HOOK, [&] {
        batch_.put_u32_be(NFTA_HOOK_HOOKNUM, chain.hook);
        batch_.put_u32_be(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.priority));
    });
    batch_.put_u32_be(NFTA_CHAIN_POLICY, NF_ACCEPT);
    batch_.put_text(NFTA_CHAIN_TYPE, chain.type);
}

void NftTransaction::add_ingress_chain(const std::string& name, const std::string& device) {
    begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add nft chain");
    batch_.put_text(NFTA_CHAIN_TABLE, table_);
    batch_.put_text(NFTA_CHAIN_NAME, name);
    batch_.nest(NFTA_CHAIN_HOOK, [&] {
        batch_.put_u32_be(NFTA_HOOK_HOOKNUM, NF_NETDEV_INGRESS);
        batch_.put_u32_be(NFTA_HOOK_PRIORITY, 0);
        batch_.put_text(NFTA_HOOK_DEV, device);
    });
    batch_.put_u32_be(NFTA_CHAIN_POLICY, NF_ACCEPT);
    batch_.put_text(NFTA_CHAIN_TYPE, "filter");
}

void NftTransaction::add_plain_chain(const std::string& name) {
    begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "add nft chain");
    batch_.put_text(NFTA_CHAIN_TABLE, table_);
    batch_.put_text(NFTA_CHAIN_NAME, name);
}

void NftTransaction::add_address_set(const std::string& name, IpFamily family) {
    const FamilyFacts& facts = facts_of(family);
    begin(NFT_MSG_NEWSET, NLM_F_CREATE, "add nft set");
    batch_.put_text(NFTA_SET_TABLE, table_);
    batch_.put_text(NFTA_SET_NAME, name);
    batch_.put_u32_be(NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
    batch_.put_u32_be(NFTA_SET_KEY_TYPE, facts.type);
    batch_.put_u32_be(NFTA_SET_KEY_LEN, facts.size);
    batch_.put_u32_be(NFTA_SET_ID, k_first_address_set + address_sets_++);
}

void NftTransaction::change_addresses(uint16_t type, const std::string& set, std::span<const IpAddress> addresses,
                                      uint64_t lasts) {
    if (addresses.empty()) return;
    begin(type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, "change nft set");
    batch_.put_text(NFTA_SET_ELEM_LIST_TABLE, table_);
    batch_.put_text(NFTA_SET_ELEM_LIST_SET, set);
    std::array<uint8_t, 8> time{};
    for (size_t i = 0; i < time.size(); ++i) time[i] = static_cast<uint8_t>(lasts >> 8 * (time.size() - 1 - i));
    batch_.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
        for (const IpAddress& address : addresses)
            batch_.nest(NFTA_LIST_ELEM, [&] {
                batch_.nest(NFTA_SET_ELEM_KEY, [&] { batch_.put(NFTA_DATA_VALUE, address.bytes()); });
                if (type == NFT_MSG_NEWSETELEM) batch_.put(NFTA_SET_ELEM_TIMEOUT, time);
            });
    });
}

void NftTransaction::add_addresses(const std::string& set, std::span<const IpAddress> addresses, uint64_t lasts) {
    change_addresses(NFT_MSG_NEWSETELEM, set, addresses, lasts);
}

void NftTransaction::remove_addresses(const std::string& set, std::span<const IpAddress> addresses) {
    change_addresses(NFT_MSG_DELSETELEM, set, addresses, 0);
}

void NftTransaction::add_interface_set(const std::string& name) {
    begin(NFT_MSG_NEWSET, NLM_F_CREATE, "add nft set");
    batch_.put_text(NFTA_SET_TABLE, table_);
    batch_.put_text(NFTA_SET_NAME, name);
    batch_.put_u32_be(NFTA_SET_FLAGS, 0);
    batch_.put_u32_be(NFTA_SET_KEY_TYPE, k_ifname_type);
    batch_.put_u32_be(NFTA_SET_KEY_LEN, IFNAMSIZ);
    batch_.put_u32_be(NFTA_SET_ID, 1);
}

void NftTransaction::add_interfaces(const std::string& set, const std::vector<std::string>& interfaces) {
    if (interfaces.empty()) return;
    begin(NFT_MSG_NEWSETELEM, NLM_F_CREATE, "add to nft set");
    batch_.put_text(NFTA_SET_ELEM_LIST_TABLE, table_);
    batch_.put_text(NFTA_SET_ELEM_LIST_SET, set);
    batch_.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
        for (const std::string& interface : interfaces)
            batch_.nest(NFTA_LIST_ELEM, [&] {
                batch_.nest(NFTA_SET_ELEM_KEY, [&] { batch_.put(NFTA_DATA_VALUE, padded(interface)); });
            });
    });
}

void NftTransaction::add_port_map(const std::string& map, IpFamily family) {
    const FamilyFacts& facts = facts_of(family);
    begin(NFT_MSG_NEWSET, NLM_F_CREATE, "add nft map");
    batch_.put_text(NFTA_SET_TABLE, table_);
    batch_.put_text(NFTA_SET_NAME, map);
    batch_.put_u32_be(NFTA_SET_FLAGS, NFT_SET_MAP);
    batch_.put_u32_be(NFTA_SET_KEY_TYPE, (k_protocol_type << k_type_bits | facts.type) << k_type_bits | k_service_type);
    batch_.put_u32_be(NFTA_SET_KEY_LEN, 8 + facts.size);
    batch_.put_u32_be(NFTA_SET_DATA_TYPE, facts.type << k_type_bits | k_service_type);
    batch_.put_u32_be(NFTA_SET_DATA_LEN, 4 + facts.size);
    batch_.put_u32_be(NFTA_SET_ID, facts.map_id);
}

void NftTransaction::change_ports(uint16_t type, const std::string& map, std::span<const PortRule> ports) {
    constexpr size_t k_per_message = 64;
    for (size_t start = 0; start < ports.size(); start += k_per_message) {
        begin(type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, "change nft map");
        batch_.put_text(NFTA_SET_ELEM_LIST_TABLE, table_);
        batch_.put_text(NFTA_SET_ELEM_LIST_SET, map);
        batch_.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
            for (const PortRule& port : ports.subspan(start, std::min(k_per_message, ports.size() - start)))
                batch_.nest(NFTA_LIST_ELEM, [&] {
                    const size_t size = facts_of(port.host).size;
                    std::array<uint8_t, 24> key{port.protocol};
                    std::ranges::copy(port.host.bytes(), key.begin() + 4);
                    std::ranges::copy(port_bytes(port.host_port), &key[4 + size]);
                    batch_.nest(NFTA_SET_ELEM_KEY, [&] { batch_.put(NFTA_DATA_VALUE, {key.data(), 8 + size}); });
                    if (type != NFT_MSG_NEWSETELEM) return;
                    std::array<uint8_t, 20> data{};
                    std::ranges::copy(port.container.bytes(), data.begin());
                    std::ranges::copy(port_bytes(port.container_port), &data[size]);
                    batch_.nest(NFTA_SET_ELEM_DATA, [&] { batch_.put(NFTA_DATA_VALUE, {data.data(), 4 + size}); });
                });
        });
    }
}

void NftTransaction::add_ports(const std::string& map, std::span<const PortRule> ports) {
    change_ports(NFT_MSG_NEWSETELEM, map, ports);
}

void NftTransaction::remove_ports(const std::string& map, std::span<const PortRule> ports) {
    change_ports(NFT_MSG_DELSETELEM, map, ports);
}

void NftTransaction::begin_rule(const std::string& chain) {
    begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add nft rule");
    batch_.put_text(NFTA_RULE_TABLE, table_);
    batch_.put_text(NFTA_RULE_CHAIN, chain);
}

template <class F>
void NftTransaction::expression(const char* name, F&& data) {
    batch_.nest(NFTA_LIST_ELEM, [&] {
        batch_.put_text(NFTA_EXPR_NAME, name);
        batch_.nest(NFTA_EXPR_DATA, data);
    });
}

void NftTransaction::load_meta(uint32_t key) {
    expression("meta", [&] {
        batch_.put_u32_be(NFTA_META_KEY, key);
        batch_.put_u32_be(NFTA_META_DREG, k_register);
    });
}

void NftTransaction::compare(Match match, std::span<const uint8_t> value) {
    compare_as(match == Match::equal ? NFT_CMP_EQ : NFT_CMP_NEQ, value);
}

void NftTransaction::compare_as(uint32_t operation, std::span<const uint8_t> value) {
    expression("cmp", [&] {
        batch_.put_u32_be(NFTA_CMP_SREG, k_register);
        batch_.put_u32_be(NFTA_CMP_OP, operation);
        batch_.nest(NFTA_CMP_DATA, [&] { batch_.put(NFTA_DATA_VALUE, value); });
    });
}

void NftTransaction::mask(std::span<const uint8_t> mask) {
    const std::vector<uint8_t> zeros(mask.size());
    expression("bitwise", [&] {
        batch_.put_u32_be(NFTA_BITWISE_SREG, k_register);
        batch_.put_u32_be(NFTA_BITWISE_DREG, k_register);
        batch_.put_u32_be(NFTA_BITWISE_LEN, static_cast<uint32_t>(mask.size()));
        batch_.nest(NFTA_BITWISE_MASK, [&] { batch_.put(NFTA_DATA_VALUE, mask); });
        batch_.nest(NFTA_BITWISE_XOR, [&] { batch_.put(NFTA_DATA_VALUE, zeros); });
    });
}

void NftTransaction::interface_name(Direction direction, Match match, const std::string& name) {
    load_meta(meta_key(direction));
    compare(match, padded(name));
}

void NftTransaction::interface_in_set(Direction direction, const std::string& set) {
    load_meta(meta_key(direction));
    expression("lookup", [&] {
        batch_.put_text(NFTA_LOOKUP_SET, set);
        batch_.put_u32_be(NFTA_LOOKUP_SREG, k_register);
    });
}

void NftTransaction::load_payload(uint32_t base, uint32_t offset, uint32_t length, uint32_t reg) {
    expression("payload", [&] {
        batch_.put_u32_be(NFTA_PAYLOAD_DREG, reg);
        batch_.put_u32_be(NFTA_PAYLOAD_BASE, base);
        batch_.put_u32_be(NFTA_PAYLOAD_OFFSET, offset);
        batch_.put_u32_be(NFTA_PAYLOAD_LEN, length);
    });
}

void NftTransaction::only(IpFamily family) {
    load_meta(NFT_META_NFPROTO);
    compare(Match::equal, {&facts_of(family).number, 1});
}

void NftTransaction::address_in(const Prefix& network, Direction side) {
    const FamilyFacts& facts = facts_of(network.address);
    only(network.address.is_v6() ? IpFamily::v6 : IpFamily::v4);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, side == Direction::in ? facts.source : facts.destination, facts.size,
                 k_register);
    const Prefix whole = network.network();
    const IpAddress bits = network.mask();
    mask(bits.bytes());
    compare(Match::equal, whole.address.bytes());
}

void NftTransaction::source_in(const Prefix& network) { address_in(network, Direction::in); }
void NftTransaction::destination_in(const Prefix& network) { address_in(network, Direction::out); }

void NftTransaction::destination_not(const IpAddress& address) {
    const FamilyFacts& facts = facts_of(address);
    only(address.is_v6() ? IpFamily::v6 : IpFamily::v4);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, facts.destination, facts.size, k_register);
    compare(Match::different, address.bytes());
}

void NftTransaction::local_destination() {
    expression("fib", [&] {
        batch_.put_u32_be(NFTA_FIB_DREG, k_register);
        batch_.put_u32_be(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        batch_.put_u32_be(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    });
    const uint32_t local = RTN_LOCAL;
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &local, bytes.size());
    compare(Match::equal, bytes);
}

void NftTransaction::destination_is_translated() {
    expression("ct", [&] {
        batch_.put_u32_be(NFTA_CT_KEY, NFT_CT_STATUS);
        batch_.put_u32_be(NFTA_CT_DREG, k_register);
    });
    const uint32_t translated = 1u << 5, none = 0; // IPS_DST_NAT
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &translated, bytes.size());
    mask(bytes);
    std::memcpy(bytes.data(), &none, bytes.size());
    compare(Match::different, bytes);
}

void NftTransaction::translate_by(const std::string& map, IpFamily of, HostAddress address) {
    const FamilyFacts& facts = facts_of(of);
    const uint32_t words = facts.size / 4;
    only(of);
    load_meta(NFT_META_L4PROTO);
    if (address == HostAddress::own) {
        load_payload(NFT_PAYLOAD_NETWORK_HEADER, facts.destination, facts.size, k_second);
    } else {
        expression("immediate", [&] {
            batch_.put_u32_be(NFTA_IMMEDIATE_DREG, k_second);
            constexpr std::array<uint8_t, 16> any{};
            batch_.nest(NFTA_IMMEDIATE_DATA, [&] { batch_.put(NFTA_DATA_VALUE, {any.data(), facts.size}); });
        });
    }
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, k_destination_port_offset, 2, k_second + words);
    expression("lookup", [&] {
        batch_.put_text(NFTA_LOOKUP_SET, map);
        batch_.put_u32_be(NFTA_LOOKUP_SREG, k_register);
        batch_.put_u32_be(NFTA_LOOKUP_DREG, k_register);
    });
    expression("nat", [&] {
        batch_.put_u32_be(NFTA_NAT_TYPE, NFT_NAT_DNAT);
        batch_.put_u32_be(NFTA_NAT_FAMILY, facts.number);
        batch_.put_u32_be(NFTA_NAT_REG_ADDR_MIN, k_register);
        batch_.put_u32_be(NFTA_NAT_REG_PROTO_MIN, NFT_REG32_00 + words);
    });
}

void NftTransaction::translate_port(uint8_t protocol, const IpAddress& address, uint16_t from, uint16_t to) {
    destination_in({address, 32});
    load_meta(NFT_META_L4PROTO);
    compare(Match::equal, {&protocol, 1});
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, k_destination_port_offset, 2, k_register);
    compare(Match::equal, port_bytes(from));
    auto load = [&](uint32_t reg, std::span<const uint8_t> bytes) {
        expression("immediate", [&] {
            batch_.put_u32_be(NFTA_IMMEDIATE_DREG, reg);
            batch_.nest(NFTA_IMMEDIATE_DATA, [&] { batch_.put(NFTA_DATA_VALUE, bytes); });
        });
    };
    load(k_register, address.bytes());
    load(k_second, port_bytes(to));
    expression("nat", [&] {
        batch_.put_u32_be(NFTA_NAT_TYPE, NFT_NAT_DNAT);
        batch_.put_u32_be(NFTA_NAT_FAMILY, NFPROTO_IPV4);
        batch_.put_u32_be(NFTA_NAT_REG_ADDR_MIN, k_register);
        batch_.put_u32_be(NFTA_NAT_REG_PROTO_MIN, k_second);
    });
}

void NftTransaction::established_or_related() {
    expression("ct", [&] {
        batch_.put_u32_be(NFTA_CT_KEY, NFT_CT_STATE);
        batch_.put_u32_be(NFTA_CT_DREG, k_register);
    });
    // Bits of the state as the kernel holds them: host order.
    const uint32_t states = 1u << 1 | 1u << 2, none = 0;
    std::array<uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &states, bytes.size());
    mask(bytes);
    std::memcpy(bytes.data(), &none, bytes.size());
    compare(Match::different, bytes);
}

void NftTransaction::protocol_is(uint8_t protocol) {
    load_meta(NFT_META_L4PROTO);
    compare(Match::equal, {&protocol, 1});
}

void NftTransaction::destination_port(uint16_t first, uint16_t last) {
    load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, k_destination_port_offset, 2, k_register);
    if (first == last) return compare(Match::equal, port_bytes(first));
    compare_as(NFT_CMP_GTE, port_bytes(first));
    compare_as(NFT_CMP_LTE, port_bytes(last));
}

void NftTransaction::source(Match match, const IpAddress& address) {
    only(address.is_v6() ? IpFamily::v6 : IpFamily::v4);
    ethernet_source(match, address);
}

void NftTransaction::ethernet_source(Match match, const IpAddress& address) {
    const FamilyFacts& facts = facts_of(address);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, facts.source, facts.size, k_register);
    compare(match, address.bytes());
}

void NftTransaction::ethernet_type(uint16_t type) {
    load_meta(NFT_META_PROTOCOL);
    compare(Match::equal, port_bytes(type));
}

void NftTransaction::destination_in_set(const std::string& set, IpFamily family) {
    only(family);
    const FamilyFacts& facts = facts_of(family);
    load_payload(NFT_PAYLOAD_NETWORK_HEADER, facts.destination, facts.size, k_register);
    expression("lookup", [&] {
        batch_.put_text(NFTA_LOOKUP_SET, set);
        batch_.put_u32_be(NFTA_LOOKUP_SREG, k_register);
    });
}

void NftTransaction::jump(const std::string& chain) {
    expression("immediate", [&] {
        batch_.put_u32_be(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        batch_.nest(NFTA_IMMEDIATE_DATA, [&] {
            batch_.nest(NFTA_DATA_VERDICT, [&] {
                batch_.put_u32_be(NFTA_VERDICT_CODE, static_cast<uint32_t>(NFT_JUMP));
                batch_.put_text(NFTA_VERDICT_CHAIN, chain);
            });
        });
    });
}

void NftTransaction::reject() {
    expression("reject", [&] {
        batch_.put_u32_be(NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
        batch_.put_u8(NFTA_REJECT_ICMP_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
    });
}

void NftTransaction::masquerade() {
    expression("masq", [] {});
}

void NftTransaction::verdict(Verdict verdict) {
    expression("immediate", [&] {
        batch_.put_u32_be(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        batch_.nest(NFTA_IMMEDIATE_DATA, [&] {
            batch_.nest(NFTA_DATA_VERDICT,
                        [&] { batch_.put_u32_be(NFTA_VERDICT_CODE, static_cast<uint32_t>(verdict)); });
        });
    });
}

Result<void> NftTransaction::commit(NetlinkSocket& socket) {
    batch_.add(NFNL_MSG_BATCH_END, 0, "commit");
    put_family(batch_, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    return socket.run(batch_, table_);
}

Result<NetlinkSocket> open_netfilter_socket() { return NetlinkSocket::open(NETLINK_NETFILTER); }

Result<std::vector<std::string>> list_tables(NetlinkSocket& socket, NftFamily family) {
    Batch batch;
    batch.add(nft_type(NFT_MSG_GETTABLE), NLM_F_DUMP, "list nft tables");
    put_family(batch, number_of(family));
    std::vector<std::string> tables;
    TRY(socket.run(batch, "", [&](const nlmsghdr* message) {
        if (message->nlmsg_type != nft_type(NFT_MSG_NEWTABLE)) return;
        const auto attributes = Attributes::of_message(message, sizeof(nfgenmsg), NFTA_TABLE_MAX);
        tables.push_back(attributes.text(NFTA_TABLE_NAME).value_or(""));
    }));
    return tables;
}

Result<size_t> rules_in(NetlinkSocket& socket, const std::string& table) {
    Batch batch;
    batch.add(nft_type(NFT_MSG_GETRULE), NLM_F_DUMP, "list nft rules");
    put_family(batch, NFPROTO_INET);
    batch.put_text(NFTA_RULE_TABLE, table);
    size_t count = 0;
    TRY(socket.run(batch, table, [&](const nlmsghdr* message) {
        if (message->nlmsg_type != nft_type(NFT_MSG_NEWRULE)) return;
        const auto attributes = Attributes::of_message(message, sizeof(nfgenmsg), NFTA_RULE_MAX);
        if (attributes.text(NFTA_RULE_TABLE) == table) ++count; // an old kernel lists them all
    }));
    return count;
}

namespace {

using ElementCallback = std::function<void(const nlattr*)>;

// Those of a set of a table of family inet; none where it is missing.
Result<void> for_each_element(NetlinkSocket& socket, const std::string& table, const std::string& set,
                              const ElementCallback& on_element) {
    Batch batch;
    batch.add(nft_type(NFT_MSG_GETSETELEM), NLM_F_DUMP, "list nft elements");
    put_family(batch, NFPROTO_INET);
    batch.put_text(NFTA_SET_ELEM_LIST_TABLE, table);
    batch.put_text(NFTA_SET_ELEM_LIST_SET, set);
    const auto done = socket.run(batch, table + " " + set, [&](const nlmsghdr* message) {
        if (message->nlmsg_type != nft_type(NFT_MSG_NEWSETELEM)) return;
        const auto attributes = Attributes::of_message(message, sizeof(nfgenmsg), NFTA_SET_ELEM_LIST_MAX);
        const nlattr* elements = attributes.find(NFTA_SET_ELEM_LIST_ELEMENTS);
        if (!elements) return;
        (void)mnl_attr_parse_nested(
            elements,
            [](const nlattr* element, void* callback) {
                (*static_cast<const ElementCallback*>(callback))(element);
                return MNL_CB_OK;
            },
            const_cast<ElementCallback*>(&on_element));
    });
    if (!done.ok() && done.error().code() != ENOENT) return done.error();
    return {};
}

IpAddress address_at(std::span<const uint8_t> bytes, IpFamily family) {
    if (family == IpFamily::v4)
        return IpAddress::v4(static_cast<uint32_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
    std::array<uint8_t, 16> value{};
    std::copy_n(bytes.begin(), value.size(), value.begin());
    return IpAddress::v6(value);
}

uint16_t port_at(std::span<const uint8_t> bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }

// As NftTransaction::change_ports() writes it.
std::optional<PortRule> read_port(const nlattr* element, IpFamily family) {
    const size_t size = facts_of(family).size;
    const auto attributes = Attributes::of_nest(element, NFTA_SET_ELEM_MAX);
    const auto key = attributes.nested(NFTA_SET_ELEM_KEY, NFTA_DATA_MAX).bytes(NFTA_DATA_VALUE);
    const auto data = attributes.nested(NFTA_SET_ELEM_DATA, NFTA_DATA_MAX).bytes(NFTA_DATA_VALUE);
    if (!key || !data || key->size() < 8 + size || data->size() < 4 + size) return std::nullopt;
    return PortRule{.protocol = (*key)[0],
                    .host = address_at(key->subspan(4), family),
                    .host_port = port_at(key->subspan(4 + size)),
                    .container = address_at(*data, family),
                    .container_port = port_at(data->subspan(size))};
}

} // namespace

Result<std::vector<PortRule>> ports_in(NetlinkSocket& socket, const std::string& table, const std::string& map,
                                       IpFamily family) {
    std::vector<PortRule> ports;
    TRY(for_each_element(socket, table, map, [&](const nlattr* element) {
        if (auto port = read_port(element, family)) ports.push_back(*port);
    }));
    return ports;
}

Result<size_t> elements_in(NetlinkSocket& socket, const std::string& table, const std::string& set) {
    size_t count = 0;
    TRY(for_each_element(socket, table, set, [&](const nlattr*) { ++count; }));
    return count;
}

Result<bool> has_set(NetlinkSocket& socket, const std::string& table, const std::string& set) {
    Batch batch;
    batch.add(nft_type(NFT_MSG_GETSET), NLM_F_ACK, "look up nft set");
    put_family(batch, NFPROTO_INET);
    batch.put_text(NFTA_SET_TABLE, table);
    batch.put_text(NFTA_SET_NAME, set);
    const auto done = socket.run(batch, table + " " + set);
    if (!done.ok() && done.error().code() != ENOENT) return done.error();
    return done.ok();
}

Result<std::vector<std::string>> dropping_forward_chains(NetlinkSocket& socket, std::string_view ours) {
    Batch batch;
    batch.add(nft_type(NFT_MSG_GETCHAIN), NLM_F_DUMP, "list nft chains");
    put_family(batch, AF_UNSPEC);
    std::vector<std::string> found;
    TRY(socket.run(batch, "", [&](const nlmsghdr* message) {
        if (message->nlmsg_type != nft_type(NFT_MSG_NEWCHAIN)) return;
        const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
        const auto attributes = Attributes::of_message(message, sizeof *header, NFTA_CHAIN_MAX);
        const auto hook = attributes.nested(NFTA_CHAIN_HOOK, NFTA_HOOK_MAX).u32_be(NFTA_HOOK_HOOKNUM);
        const std::string table = attributes.text(NFTA_CHAIN_TABLE).value_or("");
        const bool ip = header->nfgen_family == NFPROTO_INET || header->nfgen_family == NFPROTO_IPV4;
        if (!ip || hook != NF_INET_FORWARD || table.starts_with(ours)) return;
        if (attributes.u32_be(NFTA_CHAIN_POLICY) != uint32_t{NF_DROP}) return;
        found.push_back(family_name(header->nfgen_family) + " " + table + " " +
                        attributes.text(NFTA_CHAIN_NAME).value_or(""));
    }));
    return found;
}

} // namespace hull::net
