// What -p and -P ask for: which ports of the host lead to which of a container.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/views.h"
#include "model/container_record.h"

namespace hull::engine {

struct PortWish {
    std::string protocol; // tcp udp sctp
    uint16_t container_port = 0;
    std::string host_ip;          // empty: all addresses, IPv4 and IPv6
    uint16_t first = 0, last = 0; // 0: any
};

// By container port. Errors: invalid_argument, in Docker's words.
Result<std::vector<PortWish>> port_wishes(const model::ContainerConfig& config, const model::HostConfig& host);

// "8000-8002/tcp" as single ports. Errors: invalid_argument.
struct ExposedPort {
    uint16_t port = 0;
    std::string protocol;
};
Result<std::vector<ExposedPort>> expand_ports(const std::string& text);

uint8_t protocol_number(const std::string& protocol); // IPPROTO_*

} // namespace hull::engine
