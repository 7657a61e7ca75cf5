#include "net/conntrack.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include "net/link.h"
#include "net/nft_transaction.h"

namespace hull::net {
namespace {

uint16_t conntrack_type(uint16_t type) { return static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type); }

struct Conversation {
    uint8_t family = 0;
    IpAddress from, to; // as it was sent
    uint8_t protocol = 0;
    uint16_t port = 0;              // 0: the protocol has none
    std::vector<uint8_t> tuple, id; // as the kernel wrote them
};

std::vector<uint8_t> copy_of(const std::optional<std::span<const uint8_t>>& bytes) {
    return bytes ? std::vector<uint8_t>(bytes->begin(), bytes->end()) : std::vector<uint8_t>();
}

// nullopt: not of IP.
std::optional<Conversation> read_conversation(const nlmsghdr* message) {
    const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
    const auto attributes = Attributes::of_message(message, sizeof *header, CTA_MAX);
    const auto tuple = attributes.nested(CTA_TUPLE_ORIG, CTA_TUPLE_MAX);
    const auto ip = tuple.nested(CTA_TUPLE_IP, CTA_IP_MAX);
    const auto protocol = tuple.nested(CTA_TUPLE_PROTO, CTA_PROTO_MAX);
    const auto number = protocol.bytes(CTA_PROTO_NUM), port = protocol.bytes(CTA_PROTO_DST_PORT);
    if (!number || number->empty()) return std::nullopt;
    auto address = [&](uint16_t v4, uint16_t v6) {
        const auto bytes = ip.bytes(header->nfgen_family == AF_INET6 ? v6 : v4);
        return bytes ? IpAddress::from_bytes(*bytes) : std::nullopt;
    };
    const auto from = address(CTA_IP_V4_SRC, CTA_IP_V6_SRC), to = address(CTA_IP_V4_DST, CTA_IP_V6_DST);
    if (!from || !to) return std::nullopt;
    Conversation out;
    out.family = header->nfgen_family;
    out.from = *from;
    out.to = *to;
    out.protocol = (*number)[0];
    if (port && port->size() == 2) out.port = static_cast<uint16_t>((*port)[0] << 8 | (*port)[1]);
    out.tuple = copy_of(attributes.bytes(CTA_TUPLE_ORIG));
    out.id = copy_of(attributes.bytes(CTA_ID));
    return out;
}

Result<std::set<IpAddress>> own_addresses() {
    NetlinkSocket socket = TRY(open_route_socket());
    std::set<IpAddress> out;
    for (const InterfaceAddress& one : TRY(list_addresses(socket))) out.insert(one.prefix.address);
    return out;
}

// Those that match, one by one: the kernel has no other way.
template <class F>
Result<void> forget_if(F&& matches) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    Batch list;
    list.add(conntrack_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, "list conversations");
    list.header<nfgenmsg>().nfgen_family = AF_UNSPEC;
    std::vector<Conversation> found;
    TRY(socket.run(list, "", [&](const nlmsghdr* message) {
        if (auto one = read_conversation(message); one && matches(*one)) found.push_back(*std::move(one));
    }));
    for (const Conversation& one : found) {
        Batch batch;
        batch.add(conntrack_type(IPCTNL_MSG_CT_DELETE), NLM_F_ACK, "forget a conversation");
        batch.header<nfgenmsg>().nfgen_family = one.family;
        batch.put(CTA_TUPLE_ORIG | NLA_F_NESTED, one.tuple);
        if (!one.id.empty()) batch.put(CTA_ID, one.id);
        auto done = socket.run(batch, one.to.str());
        if (!done.ok() && done.error().code() != ENOENT) return done;
    }
    return {};
}

} // namespace

Result<void> forget_conversations(std::span<const PortRule> ports) {
    std::vector<PortRule> udp;
    std::ranges::copy_if(ports, std::back_inserter(udp),
                         [](const PortRule& port) { return port.protocol == IPPROTO_UDP; });
    if (udp.empty()) return {};
    const std::set<IpAddress> own = TRY(own_addresses());
    // What others speak about with such a port elsewhere is none of our business.
    auto concerns = [&](const Conversation& one) {
        return std::ranges::any_of(udp, [&](const PortRule& port) {
            if (port.host_port != one.port || port.host.is_v6() != one.to.is_v6()) return false;
            return port.host.unspecified() ? own.contains(one.to) || one.to.loopback() : one.to == port.host;
        });
    };
    return forget_if([&](const Conversation& one) { return one.protocol == IPPROTO_UDP && concerns(one); });
}

Result<void> forget_conversations_from(const IpAddress& source, const StaysAllowed& stays) {
    return forget_if(
        [&](const Conversation& one) { return one.from == source && !stays(one.to, one.protocol, one.port); });
}

} // namespace hull::net
