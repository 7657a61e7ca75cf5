// What the kernel remembers of conversations. TCP begins anew with a connection;
// for UDP the first packet decides where all later ones go, until nobody has
// spoken for a while: that has to be forgotten when a port changes hands.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "net/port_rule.h"

namespace hull::net {

// Of UDP with these ports of the host; others are passed over. Errors: unsupported
// (no conntrack in this kernel).
Result<void> forget_conversations(std::span<const PortRule> ports);

// What source began, but for those that stay: it is spoken of as begun anew.
using StaysAllowed = std::function<bool(const IpAddress& to, uint8_t protocol, uint16_t port)>;
Result<void> forget_conversations_from(const IpAddress& source, const StaysAllowed& stays);

} // namespace hull::net
