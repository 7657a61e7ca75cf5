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
// Glossary. endpoint: a container's membership of a network, as plain data that
// the engine keeps in its records. lease: an address in use; it belongs to the
// host end's name, and is free again when that link is gone.
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
#include "net/port_rule.h"

namespace hull::net {

enum class Switch : unsigned char { off, on };

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
};

struct EndpointRequest {
    // Outside the subnet: invalid_argument. Taken already, also by a link that
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
    std::string interface; // in the container: "eth0"
    std::string host_interface;
    std::optional<IpAddress> ip6{};
    uint8_t prefix_length6 = 0;
    IpAddress gateway6{};
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

class Bridge {
public:
    // Makes what is missing: device, address, ip_forward, rules. Errors:
    // conflict (device of another owner, or with another address than asked
    // for), invalid_argument, unsupported (kernel without bridge or nf_tables).
    // On error nothing that was made stays.
    static Result<std::unique_ptr<Bridge>> create(const BridgeConfig& config);
    // Waits for deletions under way. Device and rules stay.
    ~Bridge();
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

    const std::string& name() const;
    const std::string& owner() const;
    // IPv4; 0.0.0.0/32 where there is none.
    IpAddress address() const; // the host's own on this network
    Prefix subnet() const;
    IpAddress gateway() const;
    // IPv6; nullopt: none.
    struct Ipv6 {
        IpAddress address;
        Prefix subnet;
        IpAddress gateway;
    };
    std::optional<Ipv6> ipv6() const;
    // What an administrator should know, e.g. that another program's firewall
    // drops forwarded traffic. One sentence each.
    const std::vector<std::string>& warnings() const;

    // Once, after create and before prepare: takes the addresses of containers
    // that run on, and removes our links that belong to none of them.
    Result<void> recover(std::span<const Endpoint> live);

    // lo and eth0, up, in this namespace (borrowed for the call).
    Result<PreparedLink> prepare(BorrowedFd net_ns);
    // Errors: conflict, invalid_argument (address), no_space (no address left).
    Result<Endpoint> connect(PreparedLink link, const EndpointRequest& request = {});
    // Returns at once; the link and the lease go in the background. Unknown or
    // already disconnected endpoints are fine.
    void disconnect(const Endpoint& endpoint);
    // A further way for a container that runs, or has a namespace already:
    // prepare and connect in one. interface: its name there. The default route
    // goes this way or stays as it is.
    enum class DefaultRoute : unsigned char { leave, here };
    Result<Endpoint> attach(BorrowedFd net_ns, const std::string& interface, const EndpointRequest& request,
                            DefaultRoute route);

    // Published ports of containers on this network; all or none. Nothing of it
    // outlives the rules of the bridge, so after create() they are published anew.
    // host_interface: the endpoint's whose they are; it gets to reach itself by them.
    Result<void> publish(std::span<const PortRule> ports, const std::string& host_interface);
    void unpublish(std::span<const PortRule> ports);

    // What it lacks in the kernel; missing rules can be made again, and then
    // published ports have to be.
    enum class Fault : unsigned char { none, device, rules };
    Result<Fault> find_fault();
    Result<void> install_rules_again();

    // Waits until everything disconnected so far is gone.
    void drain();

    // Removes rules and device, and turns ip_forward off again if it was we who
    // turned it on and no other bridge needs it. While somebody is attached
    // nothing happens (conflict). An administrator's device stays.
    Result<void> remove();

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

// For containers without a network: lo up, and the same sysctls as prepare
// sets (net.ipv4.ip_unprivileged_port_start=0, net.ipv4.ping_group_range open,
// as Docker's containers have them).
Result<void> prepare_loopback(BorrowedFd net_ns);

} // namespace hull::net
