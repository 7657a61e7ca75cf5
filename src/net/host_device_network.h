// Networks whose containers are on a device of the host itself: macvlan (each
// has a MAC of its own on the link) and ipvlan (they share the host's).
//
// Nothing of it is on the host except a parent that had to be made: a
// sub-interface of IEEE 802.1Q ("eth0.10"), or a device that leads nowhere. It
// goes with the last network that uses it. There are no rules, nothing is
// masqueraded, and the host itself doesn't reach the containers: so the link wants it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/network.h"

namespace hull::net {

enum class HostDeviceKind : unsigned char { macvlan, ipvlan };

struct HostDeviceConfig {
    HostDeviceKind kind = HostDeviceKind::macvlan;
    std::string mode{};                // bridge private vepa passthru; l2 l3 l3s; empty: bridge, l2
    std::string flag{};                // of ipvlan: bridge private vepa; empty: bridge
    std::string parent;                // the host's device
    std::string dummy;                 // parent is this: a device that leads nowhere is made
    std::string owner;                 // as BridgeConfig::owner; whoever made a parent
    std::vector<SubnetPlan> subnets;   // at least one; the network's own addresses aren't used
    std::vector<IpAddress> reserved{}; // never given to a container
    uint32_t mtu = 0;                  // 0: the parent's
    Switch internal = Switch::off;     // no gateway
};

// Docker's texts. Errors: invalid_argument. Looks at nothing but the texts.
Result<void> check_modes(HostDeviceKind kind, const std::string& mode, const std::string& flag);
struct VlanName {
    std::string parent;
    uint16_t id = 0;
};
Result<VlanName> parse_vlan_name(const std::string& text); // "eth0.10"

class HostDeviceNetwork : public Network {
public:
    // Makes the parent where it is missing. Errors: invalid_argument (Docker's
    // texts), unsupported (the kernel has no such devices). On error nothing that was made stays.
    static Result<std::unique_ptr<HostDeviceNetwork>> create(const HostDeviceConfig& config);
    ~HostDeviceNetwork() override;
    HostDeviceNetwork(const HostDeviceNetwork&) = delete;
    HostDeviceNetwork& operator=(const HostDeviceNetwork&) = delete;

    const std::string& name() const override;
    std::vector<Subnet> subnets() const override;
    Result<void> recover(std::span<const Endpoint> live) override;
    Result<Endpoint> attach(BorrowedFd net_ns, const std::string& interface, const EndpointRequest& request,
                            DefaultRoute route) override;
    void disconnect(const Endpoint& endpoint) override;
    Result<void> detach(BorrowedFd net_ns, const Endpoint& endpoint) override;
    void drain() override {}
    bool publishes() const override { return false; }
    Result<void> publish(std::span<const PortRule> ports, const std::string& host_interface) override;
    void unpublish(std::span<const PortRule>) override {}
    Result<Fault> find_fault() override;
    Result<void> install_rules_again() override { return {}; }
    Result<void> remove() override;

private:
    struct Impl;
    explicit HostDeviceNetwork(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace hull::net
