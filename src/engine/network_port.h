// The engine's view of networks: joins a container's network namespace to the
// bridge and takes it off again. The engine's wiring implements it over net/;
// tests implement a fake. Thread-safe; calls may block.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "base/unique_fd.h"

namespace hull::engine {

// What a container has on the bridge network; kept in its record.
struct Endpoint {
    std::string network_id, endpoint_id;
    std::string ip_address; // without prefix
    int prefix_length = 0;
    std::string gateway, mac_address;
    std::string ipv6_address, ipv6_gateway; // empty: none
    int ipv6_prefix_length = 0;
};

struct JoinRequest {
    ContainerId container;
    BorrowedFd net_ns;
    std::string ip_address;  // empty: any
    std::string mac_address; // empty: any
};

class NetworkPort {
public:
    virtual ~NetworkPort() = default;
    // eth0, its address and the default route are there when this returns. On
    // error nothing is left behind.
    virtual Result<Endpoint> join(const JoinRequest& request) = 0;
    // Gives the address back and removes what is left of the link. Idempotent.
    virtual Result<void> leave(const ContainerId& container, const Endpoint& endpoint) = 0;
    // At start: these endpoints are in use by containers that run on; anything
    // else of ours on the machine is removed.
    virtual Result<void> adopt(const std::map<ContainerId, Endpoint>& in_use) = 0;
    // Address of the bridge on the host ("host-gateway"); empty when there is none.
    virtual std::string host_gateway() const = 0;
    virtual std::string network_id() const = 0;
};

} // namespace hull::engine
