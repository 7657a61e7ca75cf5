// The rules of one bridge, in one nf_tables table of ours ("hull-<bridge>",
// family inet), so that engines side by side never touch each other's.
//
//   forward     what comes to the bridge from elsewhere is dropped, unless it
//               belongs to a connection that a container opened
//   postrouting what leaves the subnet by another device is masqueraded
//   uplinks     only where we turned ip_forward on: the machine's own devices,
//               between which nothing is forwarded, since nobody asked for a
//               router
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace hull::net {

enum class Routing : unsigned char { as_before, only_for_containers };

struct FirewallRules {
    std::string bridge;
    Prefix subnet;
    bool masquerade = true;
    bool container_communication = true;
    Routing routing = Routing::as_before;
    std::vector<std::string> uplinks{}; // with only_for_containers
};

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
