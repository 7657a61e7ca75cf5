// What a container may send to: the text of --egress, and one question to it. Pure.
//
//   allow=10.0.0.0/8,192.0.2.1:443,api.example.com:443,*.example.org,[fd00::/8]:53/udp
//   allow=none      nothing
//   any             no list
//
// Ports: ":443" or ":8000-8100"; of TCP and UDP unless "/tcp" or "/udp" says one;
// without ports every protocol is meant. A name's addresses are those that the
// container's name server answers with; other names aren't asked outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace hull::net {

struct EgressPorts {
    uint8_t protocol = 0; // IPPROTO_TCP, IPPROTO_UDP; 0: all, then every port
    uint16_t first = 0, last = 65535;
    auto operator<=>(const EgressPorts&) const = default;
};
struct EgressTarget {
    Prefix network;
    EgressPorts ports;
    auto operator<=>(const EgressTarget&) const = default;
};
struct EgressName {
    std::string name; // lower case; "*.example.org": every name below
    EgressPorts ports;
};
struct EgressList {
    std::vector<EgressTarget> targets;
    std::vector<EgressName> names;

    bool knows(std::string_view name) const;
    // With the ports that the entries of this name say.
    std::vector<EgressTarget> targets_of(std::string_view name, const IpAddress& ip) const;
};

// nullopt: "any". Errors: invalid_argument, with the entry that is wrong.
Result<std::optional<EgressList>> parse_egress(std::string_view text);

// "in=10mbit,out=512kbit": bits a second; k, m and g are thousands. "none": no limit.
struct Bandwidth {
    uint64_t in = 0, out = 0; // 0: no limit
    bool operator==(const Bandwidth&) const = default;
};
Result<Bandwidth> parse_bandwidth(std::string_view text);

} // namespace hull::net
