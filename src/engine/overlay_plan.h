// Networks that go on on other machines: peers, the number of the tunnel, and which
// part of the subnet this machine gives addresses from.
//
// The machines don't talk about it: each is given the same list of all of them
// (-o peers=a,b,c or -o peers-file=path, one address a line), and has the part of
// the subnet that its place in the list says: sixteen parts, or more for longer lists.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/network.h"
#include "net/bridge.h"

namespace hull::engine {

struct OverlayPlan {
    net::Tunnel tunnel;
    size_t place = 0, parts = 1; // of this machine

    // A subnet as this machine uses it: an address of its own, which is the gateway
    // of its containers, and a range that no other machine takes addresses from. One
    // with a range of its own keeps it.
    net::SubnetPlan part_of(const net::SubnetPlan& whole) const;
};

// Errors: invalid_argument.
Result<void> check_overlay(const model::NetworkRequest& request);
// own: this machine's addresses. Errors: invalid_argument, not_found (the file).
Result<OverlayPlan> plan_overlay(const std::string& name, const std::map<std::string, std::string>& options,
                                 const std::vector<net::IpAddress>& own);
Result<OverlayPlan> plan_overlay(const model::NetworkRecord& record);

} // namespace hull::engine
