// The networks of this engine and who is on them.
//
// Lifecycle of a network: created (bridge device, rules, record) -> containers
// join and leave -> removed when nobody is on it. A restart of the engine makes
// what is missing and takes over who runs on. "bridge" is always there; "host"
// and "none" aren't networks here, nobody joins them.
// Thread-safe. Joining holds no lock of the keeper's across system calls, but
// the container's operation() is held by whoever calls.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/check.h"
#include "engine/network_names.h"
#include "engine/network_plan.h"
#include "engine/overlay_plan.h"
#include "engine/port_bindings.h"
#include "model/container_record.h"
#include "model/network.h"
#include "net/bridge.h"
#include "net/egress_guard.h"
#include "net/host_ports.h"
#include "net/name_server.h"
#include "net/peers_watch.h"
#include "net/rules_watch.h"
#include "store/records.h"

namespace hull::engine {

using model::EndpointRecord;
using model::NetworkRecord;
using model::PublishedPort;

bool is_predefined_network(const std::string& name); // bridge host none default, in this spelling

// A container as networks see it.
struct NetworkMember {
    std::string container, name, hostname;
    std::map<std::string, model::EndpointSettings> networks; // by name
    std::string main_network;                                // eth0; empty: none
    std::optional<EndpointRecord> first;                     // on the default bridge already
    std::vector<PortWish> ports;
    std::vector<std::string> dns;      // --dns
    std::vector<std::string> host_dns; // of the host
    std::string egress, bandwidth;     // as asked for (net/egress_list.h); empty: as its networks say
};

// The annotations of a container and the options of a network that say so.
inline constexpr const char* k_egress_key = "hull.egress";
inline constexpr const char* k_bandwidth_key = "hull.bandwidth";

// Options of an endpoint: its interface's name, and sysctls of it.
inline constexpr const char* k_interface_option = "com.docker.network.endpoint.ifname";
inline constexpr const char* k_sysctls_option = "com.docker.network.endpoint.sysctls";

class NetworkKeeper {
public:
    // bridge: the default one; may be null.
    static Result<std::unique_ptr<NetworkKeeper>> open(NetworkDefaults defaults, store::Records& records,
                                                       net::Bridge* bridge, std::string bridge_id);

    // Errors have Docker's texts: conflict, forbidden, invalid_argument, unsupported, not_found.
    Result<NetworkRecord> create(const model::NetworkRequest& request);
    // User-defined ones.
    std::vector<NetworkRecord> all() const;
    // Name, id or unique prefix of an id; also "bridge". Errors: not_found "network x not found".
    Result<NetworkRecord> find(const std::string& name) const;
    Result<void> remove(const std::string& name);
    size_t members(const std::string& id) const;
    // Other lists and rates (k_egress_key, k_bandwidth_key; empty: none) of a user-defined
    // network from now on; its containers have them by change_limits(). The record as it was.
    // Errors: invalid_argument, forbidden, unsupported.
    Result<NetworkRecord> update(const std::string& name, const std::map<std::string, std::string>& options);

    struct Joined {
        std::vector<EndpointRecord> endpoints; // without NetworkMember::first
        std::vector<PublishedPort> ports;
    };
    // Puts a namespace in which nothing runs yet on the member's networks, and
    // publishes its ports. On error nothing is left.
    Result<Joined> join(const NetworkMember& member, BorrowedFd net_ns);
    // One that runs on: after all of them were told to recover().
    Result<void> rejoin(const NetworkMember& member, BorrowedFd net_ns, const Joined& joined);
    // The endpoints of running containers, before the first rejoin().
    void recover(const std::vector<EndpointRecord>& live);
    // After the last rejoin().
    void recovered();
    // Everything it has, back. Not there: fine.
    // What it was on.
    std::vector<EndpointRecord> leave(const std::string& container);
    // Live changes of one that joined.
    Result<Joined> connect(const NetworkMember& member, const std::string& network, BorrowedFd net_ns);
    Result<Joined> disconnect(const NetworkMember& member, const std::string& network, BorrowedFd net_ns);
    // Publishes member's ports besides those that it has, then takes back these of
    // its own. On error nothing is changed.
    Result<Joined> change_ports(const NetworkMember& member, const std::vector<PublishedPort>& gone);
    // Its lists and rates, as member says now. On error some may be as before.
    Result<void> change_limits(const NetworkMember& member, BorrowedFd net_ns);
    // Whether a container of these networks may not send everywhere.
    bool limits_egress(const std::string& egress, const std::vector<std::string>& networks) const;
    // Records, devices and rules.
    void check(Repair repair, Damages& found);
    // Another name, other aliases.
    void rename(const NetworkMember& member);

private:
    struct Network {
        NetworkRecord record;
        std::unique_ptr<net::Network> own;
        net::Network* carrier = nullptr; // own, or the default; null: it couldn't be made, or is only settings
        std::set<std::string> members;
        std::map<std::string, std::string> limits; // what may change of the record's options
        // Of one with a tunnel: as it is now, and what was last said of its file; under creating_.
        std::optional<OverlayPlan> overlay;
        std::string peers_complaint;
    };
    using NetworkPtr = std::shared_ptr<Network>;
    struct Present {                           // a container on networks
        std::vector<EndpointRecord> endpoints; // in order of joining, the first one too
        std::vector<PublishedPort> ports;
        std::string port_network;      // id of the one that has them
        std::string gateway, gateway6; // interfaces of the default routes
        bool named = false;            // has a name server
    };

    NetworkKeeper(NetworkDefaults defaults, store::Records& records)
        : defaults_(std::move(defaults)), records_(records) {}
    Result<void> load(net::Bridge* bridge, std::string bridge_id);
    Result<NetworkPtr> look_up(const std::string& name) const;
    std::vector<net::Prefix> taken_subnets(const std::string& but) const;
    Result<void> check_overlap(const net::Prefix& subnet, const std::string& id) const;
    Result<void> check_parent(const NetworkRecord& record) const;
    Result<void> make(Network& network) const;
    Result<model::NetworkRequest> with_configuration(const model::NetworkRequest& asked) const;

    Result<EndpointRecord> attach(const NetworkMember& member, const NetworkPtr& network, BorrowedFd net_ns,
                                  const Present& present);
    // live: its namespace, when that goes on.
    void detach(const std::string& container, const EndpointRecord& endpoint,
                std::optional<BorrowedFd> live = std::nullopt);
    Result<void> set_gateway(const NetworkMember& member, Present& present, BorrowedFd net_ns);
    Result<void> publish(const NetworkMember& member, Present& present);
    void give_back(const std::string& container, const PublishedPort& port);
    Result<void> publish_rules(const Present& present);
    Result<void> install_rules_again(Network& network);
    void restore_rules();
    void watch_peers(); // once there is a network with a file of them
    void follow_peers();
    Result<void> follow_peers(Network& network);
    Result<void> publish_again(const std::string& container, Present& present);
    void unpublish(const std::string& container, Present& present);
    Result<void> serve_names(const NetworkMember& member, Present& present, BorrowedFd net_ns);
    void set_names(const NetworkMember& member, const Present& present);
    Result<void> limit_egress(const NetworkMember& member, const Present& present, net::EgressGuard::Tables tables);
    Result<void> limit_rates(const NetworkMember& member, const std::vector<EndpointRecord>& endpoints,
                             BorrowedFd net_ns) const;
    NetworkPtr by_id(const std::string& id) const;
    NetworkRecord record_of(const Network& network) const; // with its limits; under mutex_
    std::string limit_of(const std::string& own, const Network& network, const char* key) const;
    std::vector<EndpointRecord> by_preference(const NetworkMember& member, const Present& present) const;
    void forget(const std::string& container, Present& present);
    static Joined joined(const NetworkMember& member, const Present& present);

    const NetworkDefaults defaults_;
    store::Records& records_;
    std::mutex creating_; // one network at a time, so that names and subnets stay apart
    mutable std::mutex mutex_;
    std::map<std::string, NetworkPtr> networks_; // by id
    std::map<std::string, Present> present_;     // by container
    net::HostPorts host_ports_;
    NetworkNames names_;
    net::EgressGuard egress_;
    std::unique_ptr<net::NameServer> server_;      // its threads use names_ and egress_
    std::unique_ptr<net::RulesWatch> rules_watch_; // last: their threads use all of the above
    std::unique_ptr<net::PeersWatch> peers_watch_; // under creating_, once open
};

} // namespace hull::engine
