#include "net/link.h"

#include <algorithm>
#include <cstring>
#include <span>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

namespace hull::net {
namespace {

constexpr uint16_t k_ack = NLM_F_ACK;
constexpr uint16_t k_create = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
constexpr uint8_t k_no_link_local = 1; // IN6_ADDR_GEN_MODE_NONE, of a header that clashes with ours
constexpr uint32_t k_loopback_index = 1;

template <class T>
std::span<const uint8_t> as_bytes(const T& value) {
    return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

Link read_link(const nlmsghdr* message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
    const auto attributes = Attributes::of_message(message, sizeof *header, IFLA_MAX);
    Link link;
    link.index = static_cast<uint32_t>(header->ifi_index);
    link.up = header->ifi_flags & IFF_UP;
    link.master = attributes.u32(IFLA_MASTER).value_or(0);
    link.group = attributes.u32(IFLA_GROUP).value_or(0);
    link.mtu = attributes.u32(IFLA_MTU).value_or(0);
    link.name = attributes.text(IFLA_IFNAME).value_or("");
    link.alias = attributes.text(IFLA_IFALIAS).value_or("");
    if (const auto mac = attributes.bytes(IFLA_ADDRESS); mac && mac->size() == link.mac.bytes.size())
        std::ranges::copy(*mac, link.mac.bytes.begin());
    link.kind = attributes.nested(IFLA_LINKINFO, IFLA_INFO_MAX).text(IFLA_INFO_KIND).value_or("");
    return link;
}

// A change of the link of this name.
ifinfomsg& change_link(Batch& batch, const std::string& name, const char* doing) {
    batch.add(RTM_SETLINK, k_ack, doing);
    auto& header = batch.header<ifinfomsg>();
    header.ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, name);
    return header;
}

void add_up(Batch& batch, const std::string& name) {
    auto& header = change_link(batch, name, "bring up");
    header.ifi_flags = header.ifi_change = IFF_UP;
}

// Free text kept on the device.
void add_alias(Batch& batch, const std::string& name, const std::string& alias) {
    change_link(batch, name, "label device");
    batch.put(IFLA_IFALIAS, {reinterpret_cast<const uint8_t*>(alias.data()), alias.size()});
}

// The first request made the device: it is gone again when a later one failed.
Result<void> run_or_delete(NetlinkSocket& socket, Batch& batch, const std::string& name) {
    const auto outcomes = TRY(socket.run_each(batch));
    for (size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].code == 0) continue;
        if (i > 0) (void)delete_link(socket, name);
        return outcomes[i].error(name);
    }
    return {};
}

// No link-local IPv6 address: nobody asked for IPv6, and its duplicate address
// detection and multicast reports would cost more than the rest.
void put_no_link_local(Batch& batch) {
    batch.nest(AF_INET6, [&] { batch.put_u8(IFLA_INET6_ADDR_GEN_MODE, k_no_link_local); });
}

void add_address_request(Batch& batch, uint16_t type, uint16_t flags, uint32_t link, const Prefix& address,
                         const char* doing) {
    batch.add(type, flags, doing);
    auto& header = batch.header<ifaddrmsg>();
    header.ifa_family = static_cast<uint8_t>(address.address.family());
    header.ifa_prefixlen = address.length;
    header.ifa_scope = RT_SCOPE_UNIVERSE;
    header.ifa_index = link;
    // Whoever gave it made sure that nobody else has it.
    if (address.address.is_v6()) header.ifa_flags = IFA_F_NODAD;
    batch.put(IFA_LOCAL, address.address.bytes());
    batch.put(IFA_ADDRESS, address.address.bytes());
    if (!address.address.is_v6() && address.length < 31) batch.put(IFA_BROADCAST, address.broadcast().bytes());
}

void add_default_route(Batch& batch, uint32_t link, const IpAddress& gateway) {
    batch.add(RTM_NEWROUTE, k_create, "add default route");
    auto& header = batch.header<rtmsg>();
    header.rtm_family = static_cast<uint8_t>(gateway.family());
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_BOOT;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    batch.put(RTA_GATEWAY, gateway.bytes());
    batch.put_u32(RTA_OIF, link);
}

// The address first, the MAC last: a change of the MAC is what the kernel
// announces, with the addresses it finds then.
void add_settings(Batch& batch, uint32_t link, const std::string& name, const GuestSettings& settings) {
    for (const Prefix& address : settings.addresses)
        add_address_request(batch, RTM_NEWADDR, k_create, link, address, "add address");
    add_up(batch, name);
    for (const IpAddress& gateway : settings.gateways) add_default_route(batch, link, gateway);
    if (!settings.mac) return;
    change_link(batch, name, "set MAC address");
    batch.put(IFLA_ADDRESS, settings.mac->bytes);
}

Result<uint32_t> index_of(NetlinkSocket& socket, const std::string& name) {
    const auto link = TRY(find_link(socket, name));
    if (!link) return Error(ErrorKind::not_found, "no network device " + name);
    return link->index;
}

} // namespace

Result<NetlinkSocket> open_route_socket() { return NetlinkSocket::open(NETLINK_ROUTE); }

Result<std::vector<Link>> list_links(NetlinkSocket& socket) {
    Batch batch;
    batch.add(RTM_GETLINK, NLM_F_DUMP, "list links");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    std::vector<Link> links;
    TRY(socket.run(batch, "", [&](const nlmsghdr* message) {
        if (message->nlmsg_type == RTM_NEWLINK) links.push_back(read_link(message));
    }));
    return links;
}

Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name) {
    Batch batch;
    batch.add(RTM_GETLINK, k_ack, "look up link");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, name);
    std::optional<Link> link;
    const auto done = socket.run(batch, name, [&](const nlmsghdr* message) {
        if (message->nlmsg_type == RTM_NEWLINK) link = read_link(message);
    });
    if (!done.ok() && done.error().code() != ENODEV) return done.error();
    return link;
}

Result<std::vector<InterfaceAddress>> list_addresses(NetlinkSocket& socket) {
    Batch batch;
    batch.add(RTM_GETADDR, NLM_F_DUMP, "list addresses");
    batch.header<ifaddrmsg>().ifa_family = AF_UNSPEC;
    std::vector<InterfaceAddress> out;
    TRY(socket.run(batch, "", [&](const nlmsghdr* message) {
        if (message->nlmsg_type != RTM_NEWADDR) return;
        const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
        const auto attributes = Attributes::of_message(message, sizeof *header, IFA_MAX);
        auto bytes = attributes.bytes(IFA_LOCAL);
        if (!bytes) bytes = attributes.bytes(IFA_ADDRESS);
        const auto ip = bytes ? IpAddress::from_bytes(*bytes) : std::nullopt;
        if (ip) out.push_back({header->ifa_index, {*ip, header->ifa_prefixlen}});
    }));
    return out;
}

Result<std::vector<Prefix>> list_destinations(NetlinkSocket& socket) {
    Batch batch;
    batch.add(RTM_GETROUTE, NLM_F_DUMP, "list routes");
    batch.header<rtmsg>().rtm_family = AF_UNSPEC;
    std::vector<Prefix> out;
    TRY(socket.run(batch, "", [&](const nlmsghdr* message) {
        if (message->nlmsg_type != RTM_NEWROUTE) return;
        const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
        if (header->rtm_table == RT_TABLE_LOCAL || header->rtm_dst_len == 0) return;
        if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return;
        const auto attributes = Attributes::of_message(message, sizeof *header, RTA_MAX);
        const auto bytes = attributes.bytes(RTA_DST);
        const auto ip = bytes ? IpAddress::from_bytes(*bytes) : std::nullopt;
        if (ip) out.push_back({*ip, header->rtm_dst_len});
    }));
    return out;
}

Result<void> make_bridge(NetlinkSocket& socket, const std::string& name, const MacAddress& mac, uint32_t mtu,
                         const std::string& alias) {
    Batch batch;
    batch.add(RTM_NEWLINK, k_create, "make bridge");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, name);
    batch.put_u32(IFLA_MTU, mtu);
    batch.put(IFLA_ADDRESS, mac.bytes);
    batch.nest(IFLA_LINKINFO, [&] { batch.put_text(IFLA_INFO_KIND, "bridge"); });
    add_alias(batch, name, alias);
    return run_or_delete(socket, batch, name);
}

Result<void> make_veth(NetlinkSocket& socket, const VethRequest& request) {
    Batch batch;
    batch.add(RTM_NEWLINK, k_create, "make veth");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, request.host_name);
    batch.put_u32(IFLA_MTU, request.mtu);
    batch.put_u32(IFLA_GROUP, request.group);
    batch.nest(IFLA_LINKINFO, [&] {
        batch.put_text(IFLA_INFO_KIND, "veth");
        batch.nest(IFLA_INFO_DATA, [&] {
            batch.nest(VETH_INFO_PEER, [&] {
                batch.append(as_bytes(ifinfomsg{}));
                batch.put_text(IFLA_IFNAME, request.guest_name);
                batch.put_u32(IFLA_MTU, request.mtu);
                batch.put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(request.guest_ns.get()));
            });
        });
    });
    change_link(batch, request.host_name, "attach to the bridge");
    batch.nest(IFLA_AF_SPEC, [&] { put_no_link_local(batch); });
    batch.put_u32(IFLA_MASTER, request.bridge);
    if (request.isolation == Isolation::from_other_isolated) {
        change_link(batch, request.host_name, "isolate bridge port");
        batch.nest(IFLA_LINKINFO, [&] {
            batch.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
            batch.nest(IFLA_INFO_SLAVE_DATA, [&] { batch.put_u8(IFLA_BRPORT_ISOLATED, 1); });
        });
    }
    add_up(batch, request.host_name);
    return run_or_delete(socket, batch, request.host_name);
}

Result<void> make_child(NetlinkSocket& socket, const ChildRequest& request) {
    Batch batch;
    batch.add(RTM_NEWLINK, k_create, "make device");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, request.guest_name);
    batch.put_u32(IFLA_LINK, request.parent);
    batch.put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(request.guest_ns.get()));
    if (request.mtu != 0) batch.put_u32(IFLA_MTU, request.mtu);
    if (request.mac) batch.put(IFLA_ADDRESS, request.mac->bytes);
    batch.nest(IFLA_LINKINFO, [&] {
        batch.put_text(IFLA_INFO_KIND, request.kind);
        batch.nest(IFLA_INFO_DATA, [&] {
            if (request.kind == "macvlan") {
                batch.put_u32(IFLA_MACVLAN_MODE, request.mode);
            } else {
                const auto mode = static_cast<uint16_t>(request.mode);
                batch.put(IFLA_IPVLAN_MODE, as_bytes(mode));
                batch.put(IFLA_IPVLAN_FLAGS, as_bytes(request.flags));
            }
        });
    });
    return socket.run(batch, request.kind + " " + request.guest_name);
}

Result<void> make_vlan(NetlinkSocket& socket, const std::string& name, uint32_t parent, uint16_t id,
                       const std::string& alias) {
    Batch batch;
    batch.add(RTM_NEWLINK, k_create, "make 802.1q device");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, name);
    batch.put_u32(IFLA_LINK, parent);
    batch.nest(IFLA_LINKINFO, [&] {
        batch.put_text(IFLA_INFO_KIND, "vlan");
        batch.nest(IFLA_INFO_DATA, [&] { batch.put(IFLA_VLAN_ID, as_bytes(id)); });
    });
    add_alias(batch, name, alias);
    add_up(batch, name);
    return run_or_delete(socket, batch, name);
}

Result<void> make_dummy(NetlinkSocket& socket, const std::string& name, const std::string& peer,
                        const std::string& alias) {
    for (const bool pair : {false, true}) {
        Batch batch;
        batch.add(RTM_NEWLINK, k_create, "make dummy device");
        batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
        batch.put_text(IFLA_IFNAME, name);
        batch.nest(IFLA_LINKINFO, [&] {
            batch.put_text(IFLA_INFO_KIND, pair ? "veth" : "dummy");
            if (!pair) return;
            batch.nest(IFLA_INFO_DATA, [&] {
                batch.nest(VETH_INFO_PEER, [&] {
                    batch.append(as_bytes(ifinfomsg{}));
                    batch.put_text(IFLA_IFNAME, peer);
                });
            });
        });
        for (const std::string& one : pair ? std::vector{peer, name} : std::vector{name}) {
            change_link(batch, one, "configure");
            batch.nest(IFLA_AF_SPEC, [&] { put_no_link_local(batch); });
            add_up(batch, one);
        }
        add_alias(batch, name, alias);
        auto done = run_or_delete(socket, batch, name);
        if (done.ok() || pair || done.error().code() != EOPNOTSUPP) return done;
    }
    return {};
}

Result<bool> kernel_makes(NetlinkSocket& socket, const std::string& kind) {
    // One without what it is to be on: refused as invalid by a kernel that knows it.
    Batch batch;
    batch.add(RTM_NEWLINK, k_create, "probe device kind");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, "hull-probe");
    batch.nest(IFLA_LINKINFO, [&] { batch.put_text(IFLA_INFO_KIND, kind); });
    const auto done = socket.run(batch, kind);
    if (done.ok()) return Error(ErrorKind::internal, "a " + kind + " device came to be from its name alone");
    return done.error().code() != EOPNOTSUPP;
}

Result<void> make_vxlan(NetlinkSocket& socket, const VxlanRequest& request) {
    Batch batch(8192 + request.peers.size() * 96);
    batch.add(RTM_NEWLINK, k_create, "make vxlan device");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, request.name);
    batch.put_u32(IFLA_MTU, request.mtu);
    batch.nest(IFLA_LINKINFO, [&] {
        batch.put_text(IFLA_INFO_KIND, "vxlan");
        batch.nest(IFLA_INFO_DATA, [&] {
            batch.put_u32(IFLA_VXLAN_ID, request.vni);
            batch.put(request.local.is_v6() ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL, request.local.bytes());
            batch.put_u16_be(IFLA_VXLAN_PORT, request.port);
            batch.put_u8(IFLA_VXLAN_LEARNING, 1);
        });
    });
    change_link(batch, request.name, "attach to the bridge");
    batch.nest(IFLA_AF_SPEC, [&] { put_no_link_local(batch); });
    batch.put_u32(IFLA_MASTER, request.bridge);
    add_alias(batch, request.name, request.alias);
    add_up(batch, request.name);
    TRY(run_or_delete(socket, batch, request.name));
    const uint32_t index = TRY(index_of(socket, request.name));
    for (const IpAddress& peer : request.peers) {
        Batch one;
        one.add(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, "add vxlan peer");
        auto& header = one.header<ndmsg>();
        header.ndm_family = AF_BRIDGE;
        header.ndm_ifindex = static_cast<int>(index);
        header.ndm_state = NUD_NOARP | NUD_PERMANENT;
        header.ndm_flags = NTF_SELF;
        one.put(NDA_LLADDR, MacAddress{}.bytes); // whatever has no entry of its own
        one.put(NDA_DST, peer.bytes());
        if (auto done = socket.run(one, peer.str()); !done.ok()) {
            (void)delete_link(socket, request.name);
            return done;
        }
    }
    return {};
}

Result<void> set_hairpin(NetlinkSocket& socket, const std::string& name) {
    Batch batch;
    // Not RTM_SETLINK, which passes over what is said about ports.
    batch.add(RTM_NEWLINK, k_ack, "set hairpin mode");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, name);
    batch.nest(IFLA_LINKINFO, [&] {
        batch.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
        batch.nest(IFLA_INFO_SLAVE_DATA, [&] { batch.put_u8(IFLA_BRPORT_MODE, 1); });
    });
    return socket.run(batch, name);
}

Result<void> set_up(NetlinkSocket& socket, const std::string& name) {
    Batch batch;
    add_up(batch, name);
    return socket.run(batch, name);
}

Result<void> delete_link(NetlinkSocket& socket, const std::string& name) {
    Batch batch;
    batch.add(RTM_DELLINK, k_ack, "delete link");
    batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
    batch.put_text(IFLA_IFNAME, name);
    auto done = socket.run(batch, name);
    if (!done.ok() && done.error().code() == ENODEV) return {};
    return done;
}

Result<void> delete_links(NetlinkSocket& socket, const std::vector<std::string>& names, uint32_t group) {
    constexpr size_t k_per_batch = 64; // few enough answers for a socket's receive buffer
    for (size_t start = 0; start < names.size(); start += k_per_batch) {
        Batch batch;
        for (size_t i = start; i < std::min(start + k_per_batch, names.size()); ++i) {
            change_link(batch, names[i], "mark link for deletion");
            batch.put_u32(IFLA_GROUP, group);
        }
        batch.add(RTM_DELLINK, k_ack, "delete links");
        batch.header<ifinfomsg>().ifi_family = AF_UNSPEC;
        batch.put_u32(IFLA_GROUP, group);
        for (const auto& outcome : TRY(socket.run_each(batch)))
            // Gone by itself, e.g. with its namespace.
            if (outcome.code != 0 && outcome.code != ENODEV) return outcome.error("of the bridge");
    }
    return {};
}

Result<void> add_address(NetlinkSocket& socket, uint32_t link, const Prefix& address) {
    Batch batch;
    add_address_request(batch, RTM_NEWADDR, k_create, link, address, "add address");
    return socket.run(batch, address.str());
}

Result<void> remove_address(NetlinkSocket& socket, uint32_t link, const Prefix& address) {
    Batch batch;
    add_address_request(batch, RTM_DELADDR, k_ack, link, address, "remove address");
    auto done = socket.run(batch, address.str());
    if (!done.ok() && done.error().code() == EADDRNOTAVAIL) return {};
    return done;
}

Result<void> set_up_guest(NetlinkSocket& socket, const std::string& name, const GuestSettings& settings) {
    const uint32_t link = TRY(index_of(socket, name));
    Batch batch;
    batch.add(RTM_SETLINK, k_ack, "bring up");
    auto& loopback = batch.header<ifinfomsg>();
    loopback.ifi_index = k_loopback_index;
    loopback.ifi_flags = loopback.ifi_change = IFF_UP;
    change_link(batch, name, "configure");
    batch.nest(IFLA_AF_SPEC, [&] {
        put_no_link_local(batch);
        batch.nest(AF_INET, [&] { batch.nest(IFLA_INET_CONF, [&] { batch.put_u32(IPV4_DEVCONF_ARP_NOTIFY, 1); }); });
    });
    add_settings(batch, link, name, settings);
    return socket.run(batch, name);
}

Result<void> replace_default_route(NetlinkSocket& socket, int family, const std::string& name,
                                   const std::optional<IpAddress>& gateway) {
    Batch batch;
    batch.add(gateway ? RTM_NEWROUTE : RTM_DELROUTE, gateway ? NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_ACK,
              "set default route");
    auto& header = batch.header<rtmsg>();
    header.rtm_family = static_cast<uint8_t>(family);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = gateway ? RTPROT_BOOT : RTPROT_UNSPEC;
    header.rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE;
    header.rtm_type = gateway ? RTN_UNICAST : RTN_UNSPEC;
    if (gateway) {
        // Everybody is on the link where there is no gateway (ipvlan l3).
        if (gateway->unspecified())
            header.rtm_scope = RT_SCOPE_LINK;
        else
            batch.put(RTA_GATEWAY, gateway->bytes());
        batch.put_u32(RTA_OIF, TRY(index_of(socket, name)));
    }
    auto done = socket.run(batch, name);
    if (!gateway && !done.ok() && done.error().code() == ESRCH) return {};
    return done;
}

Result<void> change_guest(NetlinkSocket& socket, const std::string& name, const GuestSettings& old,
                          const GuestSettings& settings) {
    const uint32_t link = TRY(index_of(socket, name));
    Batch batch;
    // The IPv4 default route of the old address goes with it; that of IPv6 stays.
    for (const Prefix& address : old.addresses)
        add_address_request(batch, RTM_DELADDR, k_ack, link, address, "remove address");
    add_settings(batch, link, name, settings);
    return socket.run(batch, name);
}

} // namespace hull::net
