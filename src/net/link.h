// Network devices, addresses and routes over rtnetlink. Every function works
// in the network namespace its socket was opened in. Not thread-safe: one
// socket, one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/netlink.h"

namespace hull::net {

struct Link {
    uint32_t index = 0, master = 0, group = 0, mtu = 0;
    std::string name, kind, alias; // kind: "bridge", "veth", ...; empty for hardware
    bool up = false;
    MacAddress mac{};
};

Result<NetlinkSocket> open_route_socket();

Result<std::vector<Link>> list_links(NetlinkSocket& socket);
Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name);

struct InterfaceAddress {
    uint32_t link = 0;
    Prefix prefix;
};
Result<std::vector<InterfaceAddress>> list_addresses(NetlinkSocket& socket);
// Destinations of all routes, except default routes and those the kernel
// keeps for itself (local, broadcast).
Result<std::vector<Prefix>> list_destinations(NetlinkSocket& socket);

// A bridge device, down, that keeps this MAC and MTU whatever joins it.
// alias is free text kept on the device.
Result<void> make_bridge(NetlinkSocket& socket, const std::string& name, const MacAddress& mac, uint32_t mtu,
                         const std::string& alias);

enum class Isolation : unsigned char { none, from_other_isolated };
struct VethRequest {
    std::string host_name;
    uint32_t bridge = 0; // index
    uint32_t mtu = 0, group = 0;
    Isolation isolation = Isolation::none;
    BorrowedFd guest_ns;
    std::string guest_name;
};
// Both ends are made in their final namespaces; the host's is up and on the
// bridge, the guest's is down. On error neither exists.
Result<void> make_veth(NetlinkSocket& socket, const VethRequest& request);

// A device in another namespace on top of one of this: kind "macvlan" or "ipvlan".
struct ChildRequest {
    std::string kind;
    uint32_t parent = 0; // index
    uint32_t mode = 0;   // MACVLAN_MODE_*, IPVLAN_MODE_*
    uint16_t flags = 0;  // IPVLAN_F_*; of macvlan: none
    uint32_t mtu = 0;    // 0: the parent's
    std::optional<MacAddress> mac;
    BorrowedFd guest_ns;
    std::string guest_name;
};
Result<void> make_child(NetlinkSocket& socket, const ChildRequest& request);
// A sub-interface of IEEE 802.1Q, up. alias as with make_bridge.
Result<void> make_vlan(NetlinkSocket& socket, const std::string& name, uint32_t parent, uint16_t id,
                       const std::string& alias);
// A device that leads nowhere, up; where the kernel has no dummy devices one end of
// a veth pair, whose other end is called peer.
Result<void> make_dummy(NetlinkSocket& socket, const std::string& name, const std::string& peer,
                        const std::string& alias);
// Can this kernel make such devices ("ipvlan", "vlan", "vxlan")? Only for kinds that
// want more than a name.
Result<bool> kernel_makes(NetlinkSocket& socket, const std::string& kind);

// A tunnel that carries what its bridge sends to machines it has no address of to
// every peer (RFC 7348, without multicast); up.
struct VxlanRequest {
    std::string name, alias;
    uint32_t bridge = 0, mtu = 0, vni = 0;
    uint16_t port = 4789;
    IpAddress local;
    std::vector<IpAddress> peers; // of local's family
};
Result<void> make_vxlan(NetlinkSocket& socket, const VxlanRequest& request);

// A bridge port gets back what it sent itself.
Result<void> set_hairpin(NetlinkSocket& socket, const std::string& name);
Result<void> set_up(NetlinkSocket& socket, const std::string& name);
Result<void> delete_link(NetlinkSocket& socket, const std::string& name); // missing: fine
// All at once, so that the kernel waits for its readers once only. Links that
// don't exist are fine. group is a number no other link has.
Result<void> delete_links(NetlinkSocket& socket, const std::vector<std::string>& names, uint32_t group);

Result<void> add_address(NetlinkSocket& socket, uint32_t link, const Prefix& address);
Result<void> remove_address(NetlinkSocket& socket, uint32_t link, const Prefix& address); // missing: fine

struct GuestSettings {
    std::vector<Prefix> addresses;
    std::vector<IpAddress> gateways; // default routes; at most one of each family
    std::optional<MacAddress> mac;   // also announces the addresses (gratuitous ARP, neighbour advertisement)
};
// lo and eth0 of a container, up. socket is one of its namespace.
Result<void> set_up_guest(NetlinkSocket& socket, const std::string& name, const GuestSettings& settings);
// Other settings for a guest that is up; old is taken away.
Result<void> change_guest(NetlinkSocket& socket, const std::string& name, const GuestSettings& old,
                          const GuestSettings& settings);

// The default route of a family (AF_INET, AF_INET6) by this device to gateway
// (0.0.0.0, ::: to the link itself); nullopt: none by any device.
Result<void> replace_default_route(NetlinkSocket& socket, int family, const std::string& name,
                                   const std::optional<IpAddress>& gateway);

} // namespace hull::net
