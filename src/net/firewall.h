// The rules of one bridge, in one nf_tables table of ours ("hull-<bridge>",
// family inet), so that engines side by side never touch each other's.
//
//   forward     what comes to the bridge from elsewhere is dropped, unless it
//               belongs to a connection that a container opened
//   postrouting what leaves the subnet by another device is masqueraded; so is
//               what comes back to the bridge through a published port, where
//               the answer would else go past the translation (a container's
//               call to a port of its own network, the host's from 127.0.0.1)
//   prerouting, output   published ports: the map "ports", one element each
//   guard       nobody on the bridge reaches the host's 127.0.0.0/8, which
//               route_localnet would let them
//   uplinks     only where we turned ip_forward on: the machine's own devices,
//               between which nothing is forwarded, since nobody asked for a
//               router
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/nft_transaction.h"

namespace hull::net {

enum class Routing : unsigned char { as_before, only_for_containers };

struct FirewallRules {
    std::string bridge;
    Prefix subnet;
    bool masquerade = true;
    bool container_communication = true;
    bool internal = false; // nothing in, nothing out
    Routing routing = Routing::as_before;
    std::vector<std::string> uplinks{}; // with only_for_containers
};

// Published ports of the bridge, all or none. Those there already are replaced.
Result<void> add_ports(const std::string& bridge, std::span<const PortRule> ports);
// All or none; errors when one isn't there.
Result<void> remove_ports(const std::string& bridge, std::span<const PortRule> ports);

// In the network namespace of socket: what is sent to address and port "from" of
// both TCP and UDP goes to these ports of the same address. Replaces an earlier one.
Result<void> redirect_service(NetlinkSocket& socket, const IpAddress& address, uint16_t from, uint16_t udp,
                              uint16_t tcp);

// Puts these in place of earlier ones of this bridge, atomically. Errors:
// unsupported (no nf_tables in this kernel).
Result<void> install_rules(const FirewallRules& rules);
Result<void> remove_rules(const std::string& bridge); // missing: fine
// Bridges that have rules of ours, whether they exist or not.
Result<std::vector<std::string>> bridges_with_rules();
// Whether the installed rules hold Routing::only_for_containers.
Result<bool> guards_routing(const std::string& bridge);
// Other programs' chains that drop forwarded traffic by default.
Result<std::vector<std::string>> foreign_forward_drops();

} // namespace hull::net
