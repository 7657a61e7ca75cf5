// How fast a device sends: a token bucket (tbf) as its root queue.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/netlink.h"

namespace hull::net {

// bits a second; 0: as the kernel does it by itself. socket is of the device's
// namespace. Errors: not_found (no such device), unsupported (a kernel without tbf).
Result<void> limit_rate(NetlinkSocket& socket, const std::string& device, uint64_t bits);

// Both directions of a container's interface: what it sends, at its end of the link,
// and what it gets, at the host's, host_interface (empty: only what it sends).
Result<void> limit_guest_rates(BorrowedFd net_ns, const std::string& interface, const std::string& host_interface,
                               uint64_t in, uint64_t out);

} // namespace hull::net
