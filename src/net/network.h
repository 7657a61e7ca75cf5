// A network that containers are on, whatever carries it: a bridge device
// (bridge.h) or a device of the host itself (host_device_network.h).
//
// Glossary. endpoint: a container's membership of a network, as plain data that
// the engine keeps in its records. lease: an address in use; it belongs to the
// endpoint's host_interface, and is free again when that is gone.
//
// All functions are thread-safe. No thread is ever left in another namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/port_rule.h"

namespace hull::net {

enum class Switch : unsigned char { off, on };

// One subnet of a network.
struct SubnetPlan {
    Prefix address;                     // the network's own address there and the length: 10.1.0.1/16
    std::optional<Prefix> range{};      // containers' addresses come from this part of it
    std::optional<IpAddress> gateway{}; // of the containers; nullopt: address
};

struct EndpointRequest {
    // Outside the subnets: invalid_argument. Taken already, also by a link that
    // waits to be connected: conflict.
    std::optional<IpAddress> ip;
    std::optional<MacAddress> mac;
    std::optional<IpAddress> ip6{}; // on the default bridge nobody asks for one
};

// Everything the engine records and `inspect` shows.
struct Endpoint {
    IpAddress ip; // 0.0.0.0: none
    uint8_t prefix_length = 0;
    IpAddress gateway;
    MacAddress mac;
    std::string interface;      // in the container: "eth0"
    std::string host_interface; // its other end; where there is none, a name nobody else has
    std::optional<IpAddress> ip6{};
    uint8_t prefix_length6 = 0;
    IpAddress gateway6{};
};

class Network {
public:
    virtual ~Network() = default;

    virtual const std::string& name() const = 0; // of the device that carries it
    struct Subnet {
        Prefix subnet;
        IpAddress gateway;
    };
    virtual std::vector<Subnet> subnets() const = 0; // IPv4 first

    // Once, before the first attach: takes the addresses of containers that run
    // on, and removes our links that belong to none of them.
    virtual Result<void> recover(std::span<const Endpoint> live) = 0;

    // A way into a namespace that may be in use. interface: its name there. The
    // default route goes this way or stays as it is. Errors: conflict,
    // invalid_argument (address), no_space (no address left).
    enum class DefaultRoute : unsigned char { leave, here };
    virtual Result<Endpoint> attach(BorrowedFd net_ns, const std::string& interface, const EndpointRequest& request,
                                    DefaultRoute route) = 0;
    // Returns at once; the link and the lease go in the background. Unknown or
    // already disconnected endpoints are fine. The namespace has ended or will.
    virtual void disconnect(const Endpoint& endpoint) = 0;
    // The same for a namespace that lives on; the link is gone when it returns.
    virtual Result<void> detach(BorrowedFd net_ns, const Endpoint& endpoint) = 0;
    // Waits until everything disconnected so far is gone.
    virtual void drain() = 0;

    // Published ports of containers on this network; all or none. After a restart
    // they are published anew, and go on meanwhile.
    // host_interface: the endpoint's whose they are; it gets to reach itself by them.
    virtual bool publishes() const = 0;
    virtual Result<void> publish(std::span<const PortRule> ports, const std::string& host_interface) = 0;
    virtual void unpublish(std::span<const PortRule> ports) = 0;
    // After a restart: those that nobody has published again.
    virtual void unpublish_inherited() {}

    // What it lacks in the kernel; missing rules can be made again, and then
    // published ports have to be.
    enum class Fault : unsigned char { none, device, rules };
    virtual Result<Fault> find_fault() = 0;
    virtual Result<void> install_rules_again() = 0;

    // Links of another engine's containers on the network's device.
    virtual Result<std::vector<std::string>> strangers() { return std::vector<std::string>(); }

    // The other machines of a network that has a tunnel to them. Errors: unsupported.
    virtual Result<void> change_peers(const std::vector<IpAddress>&) {
        return Error(ErrorKind::unsupported, "this network has no tunnel to other machines");
    }

    // Takes away what was made for it. While somebody is attached: conflict, where
    // that can be seen.
    virtual Result<void> remove() = 0;
};

} // namespace hull::net
