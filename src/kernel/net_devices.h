// Handing a network device of this machine over to a container.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::kernel {

struct NetDevice {
    int index = 0;
    std::string name;
    bool up = false;
};
// Of the caller's network namespace.
Result<std::vector<NetDevice>> list_net_devices();

// Moves the device called name from the caller's network namespace to net_ns,
// where it is called new_name (empty: as before; a "%d" in it becomes a free
// number), has its permanent global addresses again, and is up. Errors:
// invalid_argument (no name for a device), not_found (no such device), conflict
// (new_name is taken there). When only the addresses can't be given back the
// device stays in net_ns.
// Source: OCI Runtime Specification 1.3, config-linux.md, "Network Devices".
Result<void> move_net_device(const std::string& name, BorrowedFd net_ns, const std::string& new_name);

} // namespace hull::kernel
