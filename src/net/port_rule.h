// A published port, as the firewall knows it.
#pragma once

#include <cstdint>

#include "net/address.h"

namespace hull::net {

struct PortRule {
    uint8_t protocol = 6; // IPPROTO_*
    IpAddress host;       // 0.0.0.0: any of the machine's addresses
    uint16_t host_port = 0;
    IpAddress container;
    uint16_t container_port = 0;
    bool operator==(const PortRule&) const = default;
};

} // namespace hull::net
