// What is asked of one interface of a container by its network's options: its name, and
// settings of the kernel for it ("net.ipv6.conf.IFNAME.accept_ra=0,..."). Pure, but for apply.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::net {

struct InterfaceSetting {
    std::string family, group, name; // "ipv6", "conf", "accept_ra"
    std::string value;
};

// Errors: invalid_argument.
Result<std::vector<InterfaceSetting>> parse_interface_settings(const std::string& text);
Result<void> check_interface_name(const std::string& name);

// In this namespace, of an interface that is there. Errors: invalid_argument (no such
// setting, or not this value), unsupported.
Result<void> apply_interface_settings(BorrowedFd net_ns, const std::string& interface,
                                      const std::vector<InterfaceSetting>& settings);

} // namespace hull::net
