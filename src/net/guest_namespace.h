// Netlink in the network namespace of a container. Only .cc files of net/ include this.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/netlink.h"

namespace hull::net {

// A routing socket there. ipv6_interface: this one (or "default": those to come) is
// told that it may have IPv6 addresses, which stay as they are given. Errors:
// unsupported (no IPv6 in this kernel).
Result<NetlinkSocket> open_guest_socket(BorrowedFd net_ns, const std::string& ipv6_interface = "");
// The same for a namespace that nobody used yet: it gets the settings that Docker's
// containers find. One that this kernel lacks is left out.
Result<NetlinkSocket> open_fresh_guest_socket(BorrowedFd net_ns, const std::string& ipv6_interface = "");

} // namespace hull::net
