// The bridge device of an engine: made, adopted, checked, removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/bridge.h"
#include "net/netlink.h"

namespace hull::net {

enum class Origin : unsigned char {
    made_now,
    ours,           // made by an earlier run of the same owner
    administrators, // there without an owner's name: used, never changed or removed
};

struct BridgeDevice {
    uint32_t index = 0;
    std::optional<Prefix> address, address6; // at least one
    Origin origin = Origin::ours;
};

// Errors: invalid_argument. Looks at nothing but the request.
Result<void> check(const BridgeConfig& config);
// See Bridge::create. On error a device that was made is gone again.
Result<BridgeDevice> ensure_bridge(NetlinkSocket& socket, const BridgeConfig& config);
// Makes the tunnel's device and puts it on the bridge; one that is right already stays.
Result<void> ensure_tunnel(NetlinkSocket& socket, const BridgeConfig& config, const Tunnel& tunnel,
                           const BridgeDevice& device);
std::string tunnel_name(const BridgeConfig& config); // of its device
// Links on it that another engine's containers have: veth pairs named as engines name
// them, that no Hull made.
Result<std::vector<std::string>> foreign_ports_of(NetlinkSocket& socket, uint32_t bridge);
// Links whose master this is, without the tunnel's.
Result<std::vector<std::string>> ports_of(NetlinkSocket& socket, uint32_t bridge);

} // namespace hull::net
