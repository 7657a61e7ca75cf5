// The kernel's side of an egress list: what a container on a bridge may send to
// beyond its network.
//
// Each container's link that has a list has a table of family inet,
// "hull-egress.<link>", and one of family netdev that drops what comes from the
// link with another's source address. Both are replaced at once, and outlive the
// engine. What others began with the container passes, and answers of
// conversations that were allowed. Names have a set of addresses for each kind of
// ports, which go when their time is over.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/egress_list.h"
#include "net/network.h"

namespace hull::net {

// An address that a name of the list has.
struct NamedAddress {
    std::string name;
    IpAddress ip;
    std::chrono::milliseconds lasts;
};

// In place of what the link had. Conversations that aren't allowed any more end.
Result<void> install_egress(const std::string& bridge, const Endpoint& endpoint, const EgressList& list,
                            std::span<const NamedAddress> known);
// Besides what is there; an address that is there already lasts until then. list: the
// one that was installed.
Result<void> extend_egress(const std::string& link, const EgressList& list, std::span<const NamedAddress> known);
Result<void> remove_egress(const std::string& link); // none: fine
Result<bool> has_egress(const std::string& link);
// Those whose link isn't there any more, of whichever engine.
void sweep_egress();

} // namespace hull::net
