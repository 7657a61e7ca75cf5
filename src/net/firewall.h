// The rules of one bridge, in one nf_tables table of ours ("hull-<bridge>",
// family inet), so that engines side by side never touch each other's.
//
//   forward     what comes to the bridge from elsewhere is dropped, unless it
//               belongs to a connection that a container opened
//   postrouting what leaves the subnet by another device is masqueraded; so is
//               what comes back to the bridge through a published port, where
//               the answer would else go past the translation (a container's
//               call to a port of its own network, the host's from 127.0.0.1)
//   prerouting, output   published ports: the maps "ports" and "ports6", one
//               element each. What is sent to ::1 is left alone: its answer
//               could not come back from another device
//   guard       nobody on the bridge reaches the host's 127.0.0.0/8, which
//               route_localnet would let them
//   uplinks     only where we turned ip_forward on: the machine's own devices,
//               between which nothing is forwarded, since nobody asked for a
//               router
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/nft_transaction.h"

namespace hull::net {

enum class Routing : unsigned char { as_before, only_for_containers };

struct FirewallRules {
    std::string bridge;
    std::vector<Prefix> subnets; // at most one of each family
    bool masquerade = true;
    bool container_communication = true;
    bool internal = false; // nothing in, nothing out
    bool ipv6 = true;      // translate IPv6, too
    Routing routing = Routing::as_before;
    std::vector<std::string> uplinks{}; // with only_for_containers
    std::vector<PortRule> ports{};      // published from the first moment on; with internal: none
};

// Published ports of the bridge, all or none. Those there already are replaced.
Result<void> add_ports(const std::string& bridge, std::span<const PortRule> ports);
// Host and container of one rule are of the same family.
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
bool is_our_table(std::string_view table);
// How many rules there are; none where the table is missing.
Result<size_t> count_rules(const std::string& bridge);
// Those of the bridge that are published; none where the table is missing.
Result<std::vector<PortRule>> published_ports(const std::string& bridge);
// How many those are.
Result<size_t> count_ports(const std::string& bridge);
// Whether the installed rules hold Routing::only_for_containers.
Result<bool> guards_routing(const std::string& bridge);
// Other programs' chains that drop forwarded traffic by default.
Result<std::vector<std::string>> foreign_forward_drops();

} // namespace hull::net
