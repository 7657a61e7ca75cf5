// The default network: a bridge device with an address, masquerading, and one
// veth pair per container.
//
// Lifecycle of a bridge: create -> recover -> (prepare, connect, disconnect)* ->
// the object ends, device and rules stay, containers run on -> create again, or
// remove.
//
// Lifecycle of a link: prepare makes it, whole, in a network namespace nobody
// runs in yet (off the hot path: about a millisecond); connect gives it away as
// an endpoint (no kernel call when nothing special is asked for); disconnect
// takes it back. A PreparedLink that is dropped is taken back too.
//
// All functions are thread-safe. No thread is ever left in another namespace.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/address_pool.h"
#include "net/network.h"
#include "net/port_rule.h"

namespace hull::net {

// A bridge that goes on on other machines (VXLAN, RFC 7348): what no container here
// has is sent to every peer, and learned from what they answer.
struct Tunnel {
    uint32_t vni = 0; // 1 to 16777215; the same on all of them
    uint16_t port = 4789;
    IpAddress local;              // of this machine, where the peers send to
    std::vector<IpAddress> peers; // the other machines; of local's family
};

struct BridgeConfig {
    std::string name = "hull0"; // at most 15 bytes
    // Whose bridge it is, e.g. the engine's data root. It is written on the
    // device; a device with another owner's name on it is refused.
    std::string owner;
    // The bridge's own address and with it the subnet. nullopt: what the device
    // already has, else the first of 172.17.0.0/16, 172.18.0.0/16, ... that no
    // address or route of this machine overlaps.
    std::optional<Prefix> address;
    std::vector<SubnetPool> pools;    // where that is looked for instead; empty: as said
    std::optional<Prefix> fixed_cidr; // containers' addresses come from this part of the subnet
    std::vector<IpAddress> reserved;  // never given to a container
    std::optional<IpAddress> gateway; // of the containers; nullopt: the bridge's address
    Switch ipv4 = Switch::on;         // off: addresses of IPv6 only; then ipv6 is on
    // Without an address: what the device already has, else a free one of the
    // pools' IPv6 networks, else of a unique local prefix of this machine.
    Switch ipv6 = Switch::off;
    std::optional<Prefix> address6, fixed_cidr6;
    std::optional<IpAddress> gateway6;
    uint32_t mtu = 1500;
    Switch container_communication = Switch::on; // icc
    Switch masquerade = Switch::on;
    Switch forwarding = Switch::on; // set the machine's ip_forward when it is off
    Switch firewall = Switch::on;   // rules in a table of ours; off: none are made
    Switch firewall6 = Switch::on;  // with firewall: IPv6 is masqueraded and its ports published, too
    Switch internal = Switch::off;  // cut off from everything else
    std::vector<SubnetPlan> more{}; // further subnets, with addresses of the bridge's own
    std::optional<Tunnel> tunnel{};
    std::vector<Prefix> taken{}; // by other networks: not chosen, though no route says so
};

class Bridge;

// A veth pair between a network namespace and a bridge, up, waiting for a
// container. Move-only; must not outlive its bridge. The namespace may be
// closed by whoever owns it at any time.
class PreparedLink {
public:
    PreparedLink();
    PreparedLink(PreparedLink&&) noexcept;
    PreparedLink& operator=(PreparedLink&&) noexcept;
    ~PreparedLink();

private:
    friend class Bridge;
    struct State;
    std::unique_ptr<State> state_;
};

class Bridge : public Network {
public:
    // Makes what is missing: device, address, ip_forward, rules. Errors:
    // conflict (device of another owner, or with another address than asked
    // for), invalid_argument, unsupported (kernel without bridge or nf_tables).
    // On error nothing that was made stays.
    static Result<std::unique_ptr<Bridge>> create(const BridgeConfig& config);
    // Waits for deletions under way. Device and rules stay.
    ~Bridge() override;
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

    const std::string& name() const override;
    const std::string& owner() const;
    std::vector<Subnet> subnets() const override;
    // The first of IPv4; 0.0.0.0/32 where there is none.
    IpAddress address() const; // the host's own on this network
    Prefix subnet() const;
    IpAddress gateway() const;
    // The first of IPv6; nullopt: none.
    struct Ipv6 {
        IpAddress address;
        Prefix subnet;
        IpAddress gateway;
    };
    std::optional<Ipv6> ipv6() const;
    // What an administrator should know, e.g. that another program's firewall
    // drops forwarded traffic. One sentence each.
    const std::vector<std::string>& warnings() const;

    Result<void> recover(std::span<const Endpoint> live) override;

    // lo and eth0, up, in this namespace (borrowed for the call).
    Result<PreparedLink> prepare(BorrowedFd net_ns);
    // Errors: conflict, invalid_argument (address), no_space (no address left).
    Result<Endpoint> connect(PreparedLink link, const EndpointRequest& request = {});
    void disconnect(const Endpoint& endpoint) override;
    Result<Endpoint> attach(BorrowedFd net_ns, const std::string& interface, const EndpointRequest& request,
                            DefaultRoute route) override;
    Result<void> detach(BorrowedFd net_ns, const Endpoint& endpoint) override;
    void drain() override;

    bool publishes() const override;
    Result<void> publish(std::span<const PortRule> ports, const std::string& host_interface) override;
    void unpublish(std::span<const PortRule> ports) override;
    void unpublish_inherited() override;
    Result<Fault> find_fault() override;
    Result<void> install_rules_again() override;
    // Of a bridge that has a tunnel already.
    Result<std::vector<std::string>> strangers() override;
    Result<void> change_peers(const std::vector<IpAddress>& peers) override;

    // Removes rules and device, and turns ip_forward off again if it was we who
    // turned it on and no other bridge needs it. While somebody is attached
    // nothing happens (conflict). An administrator's device stays.
    Result<void> remove() override;

private:
    friend class PreparedLink;
    struct Impl;
    explicit Bridge(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The default route of a namespace (family: AF_INET, AF_INET6) goes to gateway by
// interface, whatever it was before. nullopt: there is none.
Result<void> set_default_route(BorrowedFd net_ns, int family, const std::string& interface,
                               const std::optional<IpAddress>& gateway);

// Beside those that the interface has; link-local ones of IPv6 come into use at once.
// Errors: the kernel's; one that it has already is fine.
Result<void> add_addresses(BorrowedFd net_ns, const std::string& interface, const std::vector<Prefix>& addresses);

// For containers without a network: lo up, and the same sysctls as prepare
// sets (net.ipv4.ip_unprivileged_port_start=0, net.ipv4.ping_group_range open,
// as Docker's containers have them).
Result<void> prepare_loopback(BorrowedFd net_ns);

} // namespace hull::net
