#include "net/bridge.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "net/address_pool.h"
#include "net/bridge_device.h"
#include "net/conntrack.h"
#include "net/families.h"
#include "net/firewall.h"
#include "net/guest_namespace.h"
#include "net/link.h"
#include "net/link_remover.h"
#include "sys/file.h"

namespace hull::net {
namespace {

constexpr const char* k_guest_interface = "eth0";
constexpr const char* k_ip_forward = "/proc/sys/net/ipv4/ip_forward";
constexpr const char* k_ip_forward6 = "/proc/sys/net/ipv6/conf/all/forwarding";
// Link groups: ours while in use, and on the way out (plus random bits, since
// everything in that group is deleted).
constexpr uint32_t k_group = 0x48554c4c, k_doomed_group = 0x48000000;

constexpr std::string_view k_host_prefix = "veth"; // network managers leave such devices alone

std::string new_host_name() { return std::string(k_host_prefix) + random_hex(8); }

uint32_t new_doomed_group() {
    return k_doomed_group | static_cast<uint32_t>(std::stoul(random_hex(6), nullptr, 16) & 0x3fffff);
}

// The machine's own devices: hardware, and what is built from it.
bool is_uplink(const Link& link) {
    return link.name != "lo" &&
           (link.kind.empty() || link.kind == "bond" || link.kind == "vlan" || link.kind == "team");
}

Result<bool> forwarding_is_on(const char* path) { return TRY(sys::read_file(path)).starts_with('1'); }

// A machine that forwards no longer listens to router advertisements, unless it is
// told to: its own way out must not go when the first IPv6 network comes.
Result<void> turn_on_forwarding6(NetlinkSocket& socket) {
    for (const Link& link : TRY(list_links(socket))) {
        if (!is_uplink(link)) continue;
        const std::string setting = "/proc/sys/net/ipv6/conf/" + link.name + "/accept_ra";
        if (auto now = sys::read_file(setting); now.ok() && now->starts_with('1'))
            (void)sys::write_existing(setting, "2");
    }
    return sys::write_existing(k_ip_forward6, "1");
}

// Rules are made after their bridge and removed before it. Those without one are
// left over: somebody deleted the device.
void sweep_rules(NetlinkSocket& socket) {
    const auto bridges = bridges_with_rules();
    if (!bridges.ok()) return; // install_rules says why
    for (const std::string& bridge : *bridges) {
        const auto link = find_link(socket, bridge);
        if (!link.ok() || *link) continue;
        if (const auto done = remove_rules(bridge); !done.ok()) log::warning("remove left-over rules", done.error());
    }
}

Result<void> prepare_forwarding(NetlinkSocket& socket, const BridgeConfig& config, std::vector<Prefix> subnets,
                                std::vector<PortRule> ports) {
    FirewallRules rules{.bridge = config.name,
                        .subnets = std::move(subnets),
                        .masquerade = config.masquerade == Switch::on,
                        .container_communication = config.container_communication == Switch::on,
                        .internal = config.internal == Switch::on,
                        .ipv6 = config.firewall6 == Switch::on,
                        .ports = std::move(ports)};
    const bool forward = config.internal == Switch::off && config.forwarding == Switch::on;
    const bool turn_on = forward && config.ipv4 == Switch::on && !TRY(forwarding_is_on(k_ip_forward));
    const bool turn_on6 = forward && config.ipv6 == Switch::on && !TRY(forwarding_is_on(k_ip_forward6));
    if (config.firewall == Switch::on) {
        sweep_rules(socket);
        if (turn_on || turn_on6 || TRY(guards_routing(config.name))) rules.routing = Routing::only_for_containers;
        for (const Link& link : TRY(list_links(socket)))
            if (is_uplink(link)) rules.uplinks.push_back(link.name);
        TRY(install_rules(rules));
        // So that the host reaches published ports by 127.0.0.1, too.
        if (!rules.internal)
            TRY(sys::write_existing("/proc/sys/net/ipv4/conf/" + config.name + "/route_localnet", "1"));
    }
    Result<void> done;
    if (turn_on) done = sys::write_existing(k_ip_forward, "1");
    if (done.ok() && turn_on6) done = turn_on_forwarding6(socket);
    if (!done.ok() && config.firewall == Switch::on) (void)remove_rules(config.name);
    return done;
}

std::vector<std::string> look_for_obstacles(const BridgeConfig& config) {
    std::vector<std::string> out;
    const auto drops = foreign_forward_drops();
    if (!drops.ok()) return out;
    for (const std::string& chain : *drops)
        out.push_back(
            "traffic of containers on " + config.name + " to other hosts is dropped by the nf_tables chain \"" + chain +
            "\" of another program (policy drop), unless a rule there lets it through: iptables -I FORWARD -i " +
            config.name + " -j ACCEPT; iptables -I FORWARD -o " + config.name +
            " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
    return out;
}

// Ports of UDP changed hands.
void forget(std::span<const PortRule> ports) {
    if (auto done = forget_conversations(ports); !done.ok())
        log::warning("conversations with published ports", done.error());
}

using PublishedKey = std::tuple<uint8_t, IpAddress, uint16_t>;
PublishedKey key_of(const PortRule& port) { return {port.protocol, port.host, port.host_port}; }

Error no_subnet_for(const IpAddress& ip) {
    return {ErrorKind::invalid_argument, "no configured subnet contains IP address " + ip.str()};
}

} // namespace

struct Bridge::Impl {
    Impl(BridgeConfig asked, const BridgeDevice& made, Families planned, NetlinkSocket one, NetlinkSocket two)
        : config(std::move(asked)), device(made), families(std::move(planned)), socket(std::move(one)),
          remover(std::move(two), new_doomed_group(), [this](const std::vector<std::string>& gone) {
              for (const std::string& name : gone)
                  for (const FamilyPtr* family : {&families.v4, &families.v6})
                      if (*family) (*family)->release_all(name);
          }) {}

    Result<void> make_veth_for(const std::string& host_name, BorrowedFd net_ns,
                               const std::string& guest_name = k_guest_interface);
    Result<void> give_way(const PortRule& port);
    bool has_ipv6() const { return families.v6 != nullptr; }
    Result<IpAddress> lease(const FamilyPtr& family, const std::optional<IpAddress>& wanted, const std::string& owner);
    Result<Leases> lease(const EndpointRequest& request, const std::string& owner);

    const BridgeConfig config;
    const BridgeDevice device;
    const Families families;
    std::vector<std::string> warnings;
    std::mutex socket_mutex;
    NetlinkSocket socket; // under socket_mutex
    size_t rules = 0;     // under socket_mutex: how many were made
    // What is in the maps, if nobody else took it away; held while they change.
    std::mutex ports_mutex;
    std::set<PublishedKey> published;           // under ports_mutex
    std::map<PublishedKey, PortRule> inherited; // under ports_mutex: of an engine before, not published again yet
    LinkRemover remover;                        // last: its thread uses families
};

// A link that exists. Whoever destroys it without clearing impl gives it back.
struct PreparedLink::State {
    Bridge::Impl* impl = nullptr;
    std::string host_name;
    NetlinkSocket guest;
    std::optional<Leases> configured; // already

    State(Bridge::Impl* owner, std::string name, NetlinkSocket socket)
        : impl(owner), host_name(std::move(name)), guest(std::move(socket)) {}
    ~State() {
        if (impl) impl->remover.remove(host_name);
    }
};

PreparedLink::PreparedLink() = default;
PreparedLink::PreparedLink(PreparedLink&&) noexcept = default;
PreparedLink& PreparedLink::operator=(PreparedLink&&) noexcept = default;
PreparedLink::~PreparedLink() = default;

Bridge::Bridge(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Bridge::~Bridge() = default;
const std::string& Bridge::name() const { return impl_->config.name; }
const std::string& Bridge::owner() const { return impl_->config.owner; }
IpAddress Bridge::address() const {
    return impl_->families.v4 ? impl_->families.v4->first().address.address : IpAddress();
}
Prefix Bridge::subnet() const {
    return impl_->families.v4 ? impl_->families.v4->first().address.network() : Prefix{IpAddress(), 32};
}
IpAddress Bridge::gateway() const { return impl_->families.v4 ? impl_->families.v4->first().gateway : IpAddress(); }
std::vector<Network::Subnet> Bridge::subnets() const {
    std::vector<Subnet> out;
    for (const FamilyPtr* family : {&impl_->families.v4, &impl_->families.v6})
        if (*family)
            for (const Subnet& one : (*family)->subnets()) out.push_back(one);
    return out;
}
std::optional<Bridge::Ipv6> Bridge::ipv6() const {
    const FamilyPtr& family = impl_->families.v6;
    if (!family) return std::nullopt;
    return Ipv6{family->first().address.address, family->first().address.network(), family->first().gateway};
}
const std::vector<std::string>& Bridge::warnings() const { return impl_->warnings; }

Result<Bridge::Fault> Bridge::find_fault() {
    {
        std::lock_guard held(impl_->socket_mutex);
        const auto link = TRY(find_link(impl_->socket, name()));
        if (!link) return Fault::device;
    }
    if (impl_->config.firewall != Switch::on) return Fault::none;
    {
        std::lock_guard held(impl_->socket_mutex);
        if (TRY(count_rules(name())) != impl_->rules) return Fault::rules;
    }
    const std::lock_guard held(impl_->ports_mutex);
    const size_t expected = impl_->published.size() + impl_->inherited.size();
    return TRY(count_ports(name())) == expected ? Fault::none : Fault::rules;
}

Result<std::vector<std::string>> Bridge::strangers() {
    const std::lock_guard held(impl_->socket_mutex);
    return foreign_ports_of(impl_->socket, impl_->device.index);
}

Result<void> Bridge::install_rules_again() {
    const std::lock_guard ports(impl_->ports_mutex);
    const std::lock_guard held(impl_->socket_mutex);
    TRY(prepare_forwarding(impl_->socket, impl_->config, impl_->families.subnets(), {}));
    impl_->rules = TRY(count_rules(name()));
    impl_->published.clear(); // until they are published again
    impl_->inherited.clear();
    return {};
}

void Bridge::unpublish_inherited() {
    std::vector<PortRule> left;
    {
        const std::lock_guard held(impl_->ports_mutex);
        for (const auto& [key, port] : std::exchange(impl_->inherited, {})) left.push_back(port);
    }
    if (!left.empty()) unpublish(left);
}

Result<void> Bridge::change_peers(const std::vector<IpAddress>& peers) {
    if (!impl_->config.tunnel) return Error(ErrorKind::unsupported, "bridge " + name() + " has no tunnel");
    Tunnel tunnel = *impl_->config.tunnel;
    tunnel.peers = peers;
    std::lock_guard held(impl_->socket_mutex);
    return ensure_tunnel(impl_->socket, impl_->config, tunnel, impl_->device);
}

Result<std::unique_ptr<Bridge>> Bridge::create(const BridgeConfig& config) {
    TRY(check(config));
    NetlinkSocket socket = TRY(open_route_socket());
    NetlinkSocket second = TRY(open_route_socket());
    const BridgeDevice device = TRY(ensure_bridge(socket, config));
    auto plan = plan_addresses(config, device);
    Result<void> ready;
    if (!plan.ok()) ready = plan.error();
    if (ready.ok() && config.tunnel) ready = ensure_tunnel(socket, config, *config.tunnel, device);
    // Those whose engine ended go on until it is known whose they are.
    std::vector<PortRule> ports;
    if (auto found = published_ports(config.name); found.ok() && config.firewall == Switch::on) ports = *found;
    if (ready.ok()) ready = prepare_forwarding(socket, config, plan->subnets(), ports);
    if (!ready.ok()) {
        if (device.origin == Origin::made_now) {
            if (config.tunnel) (void)delete_link(socket, tunnel_name(config));
            (void)delete_link(socket, config.name);
        }
        return std::move(ready).error().context("bridge " + config.name);
    }
    auto impl = std::make_unique<Impl>(config, device, *std::move(plan), std::move(socket), std::move(second));
    for (const PortRule& port : ports) impl->inherited.emplace(key_of(port), port);
    impl->warnings = look_for_obstacles(config);
    if (const auto rules = count_rules(config.name); rules.ok()) impl->rules = *rules;
    return std::unique_ptr<Bridge>(new Bridge(std::move(impl)));
}

Result<void> Bridge::recover(std::span<const Endpoint> live) {
    std::set<std::string> keep;
    auto take = [](const FamilyPtr& family, const IpAddress& ip, const std::string& owner) {
        if (!family) return;
        // Two records with one address, or one of another subnet: the container
        // runs all the same, so the rest goes on.
        if (const auto leased = family->lease(ip, owner); !leased.ok())
            log::warning("take over address " + ip.str(), leased.error());
    };
    for (const Endpoint& endpoint : live) {
        keep.insert(endpoint.host_interface);
        if (!endpoint.ip.unspecified()) take(impl_->families.v4, endpoint.ip, endpoint.host_interface);
        if (endpoint.ip6) take(impl_->families.v6, *endpoint.ip6, endpoint.host_interface);
    }
    const std::lock_guard lock(impl_->socket_mutex);
    for (const Link& link : TRY(list_links(impl_->socket)))
        if (link.master == impl_->device.index && (link.group & 0xff000000) == k_doomed_group &&
            !keep.contains(link.name))
            impl_->remover.remove(link.name);
    return {};
}

Result<void> Bridge::Impl::make_veth_for(const std::string& host_name, BorrowedFd net_ns,
                                         const std::string& guest_name) {
    const bool isolated = config.container_communication == Switch::off;
    const VethRequest request{.host_name = host_name,
                              .bridge = device.index,
                              .mtu = config.mtu,
                              .group = k_group,
                              .isolation = isolated ? Isolation::from_other_isolated : Isolation::none,
                              .guest_ns = net_ns,
                              .guest_name = guest_name};
    const std::lock_guard lock(socket_mutex);
    return make_veth(socket, request);
}

// Under ports_mutex. What the map has for this port goes, unless it's the same.
Result<void> Bridge::Impl::give_way(const PortRule& port) {
    auto found = inherited.extract(key_of(port));
    if (found.empty() || found.mapped() == port) return {};
    return remove_ports(config.name, {&found.mapped(), 1});
}

Result<IpAddress> Bridge::Impl::lease(const FamilyPtr& family, const std::optional<IpAddress>& wanted,
                                      const std::string& owner) {
    if (!wanted) return family->lease(owner);
    auto leased = family->lease(*wanted, owner);
    if (!leased.ok() && leased.error().kind() == ErrorKind::conflict) {
        // Whoever had it may be on its way out: a restart of the same container.
        remover.drain();
        leased = family->lease(*wanted, owner);
    }
    TRY(std::move(leased));
    return *wanted;
}

Result<Leases> Bridge::Impl::lease(const EndpointRequest& request, const std::string& owner) {
    Leases out;
    for (const auto& wanted : {request.ip, request.ip6})
        if (wanted && !(wanted->is_v6() ? families.v6 : families.v4)) return no_subnet_for(*wanted);
    if (families.v4) out.ip = TRY(lease(families.v4, request.ip, owner));
    if (families.v6) out.ip6 = TRY(lease(families.v6, request.ip6, owner));
    return out;
}

Result<PreparedLink> Bridge::prepare(BorrowedFd net_ns) {
    const std::string host_name = new_host_name();
    NetlinkSocket guest = TRY(open_fresh_guest_socket(net_ns, impl_->has_ipv6() ? "default" : ""));
    TRY(impl_->make_veth_for(host_name, net_ns));
    // From here on dropping the link undoes everything.
    PreparedLink link;
    link.state_ = std::make_unique<PreparedLink::State>(impl_.get(), host_name, std::move(guest));

    const FamilyPtr& first = impl_->families.v4 ? impl_->families.v4 : impl_->families.v6;
    GuestSettings settings;
    if (first->first().pool.roomy()) {
        const Leases leases = TRY(impl_->lease(EndpointRequest{}, host_name));
        settings = guest_settings(impl_->families, leases, mac_for(leases));
        link.state_->configured = leases;
    }
    TRY(set_up_guest(link.state_->guest, k_guest_interface, settings));
    return link;
}

Result<Endpoint> Bridge::connect(PreparedLink link, const EndpointRequest& request) {
    if (!link.state_) return Error(ErrorKind::internal, "connect: this link was given away already");
    PreparedLink::State& state = *link.state_;
    Leases leases;
    if (state.configured) {
        leases = *state.configured;
        if (request.ip && request.ip != leases.ip) {
            if (!impl_->families.v4) return no_subnet_for(*request.ip);
            leases.ip = TRY(impl_->lease(impl_->families.v4, request.ip, state.host_name));
        }
    } else {
        leases = TRY(impl_->lease(request, state.host_name));
    }
    const MacAddress mac = request.mac.value_or(mac_for(leases));
    const bool other_address = !state.configured || leases.ip != state.configured->ip;
    if (other_address || request.mac) {
        GuestSettings old, settings = guest_settings(impl_->families, leases, mac);
        if (state.configured) {
            // IPv6 and its route are right already.
            old = guest_settings(impl_->families, *state.configured, mac_for(*state.configured));
            keep_differences(old, settings);
        }
        TRY(change_guest(state.guest, k_guest_interface, old, settings));
        if (other_address && state.configured && state.configured->ip)
            impl_->families.v4->release(*state.configured->ip, state.host_name);
    }
    Endpoint endpoint = describe_endpoint(impl_->families, leases, mac, k_guest_interface, state.host_name);
    state.impl = nullptr;
    return endpoint;
}

Result<Endpoint> Bridge::attach(BorrowedFd net_ns, const std::string& interface, const EndpointRequest& request,
                                DefaultRoute route) {
    const std::string host_name = new_host_name();
    NetlinkSocket guest = TRY(open_guest_socket(net_ns));
    TRY(impl_->make_veth_for(host_name, net_ns, interface));
    // From here on dropping it undoes everything.
    PreparedLink::State state(impl_.get(), host_name, std::move(guest));
    if (impl_->has_ipv6()) TRY(open_guest_socket(net_ns, interface));
    const Leases leases = TRY(impl_->lease(request, host_name));
    const MacAddress mac = request.mac.value_or(mac_for(leases));
    GuestSettings settings = guest_settings(impl_->families, leases, mac);
    const std::vector<IpAddress> gateways = std::exchange(settings.gateways, {});
    TRY(set_up_guest(state.guest, interface, settings));
    if (route == DefaultRoute::here)
        for (const IpAddress& gateway : gateways)
            TRY(replace_default_route(state.guest, gateway.family(), interface, gateway));
    state.impl = nullptr;
    return describe_endpoint(impl_->families, leases, mac, interface, host_name);
}

Result<void> Bridge::detach(BorrowedFd /*net_ns*/, const Endpoint& endpoint) {
    disconnect(endpoint);
    drain();
    return {};
}

bool Bridge::publishes() const { return impl_->config.firewall == Switch::on && impl_->config.internal == Switch::off; }

Result<void> Bridge::publish(std::span<const PortRule> ports, const std::string& host_interface) {
    if (!publishes()) return Error(ErrorKind::unsupported, "network " + name() + " publishes no ports");
    if (ports.empty()) return {};
    {
        const std::lock_guard lock(impl_->socket_mutex);
        TRY(set_hairpin(impl_->socket, host_interface));
    }
    const std::lock_guard held(impl_->ports_mutex);
    for (const PortRule& port : ports) TRY(impl_->give_way(port));
    TRY(add_ports(name(), ports));
    for (const PortRule& port : ports) impl_->published.insert(key_of(port));
    forget(ports);
    return {};
}

void Bridge::unpublish(std::span<const PortRule> ports) {
    const std::lock_guard held(impl_->ports_mutex);
    for (const PortRule& port : ports) impl_->published.erase(key_of(port));
    if (remove_ports(name(), ports).ok()) return forget(ports);
    // Somebody else took one away: each for itself.
    for (const PortRule& port : ports)
        if (auto done = remove_ports(name(), {&port, 1}); !done.ok() && done.error().code() != ENOENT)
            log::warning("remove a published port", done.error());
    forget(ports);
}

void Bridge::disconnect(const Endpoint& endpoint) {
    // Whatever a damaged record says, no other kind of device is ever removed.
    if (endpoint.host_interface.starts_with(k_host_prefix)) impl_->remover.remove(endpoint.host_interface);
}

void Bridge::drain() { impl_->remover.drain(); }

Result<void> Bridge::remove() {
    drain();
    const std::lock_guard lock(impl_->socket_mutex);
    if (!TRY(ports_of(impl_->socket, impl_->device.index)).empty())
        return Error(ErrorKind::conflict, "bridge " + name() + " has containers attached to it");
    if (impl_->config.firewall == Switch::on) {
        bool needed = !TRY(guards_routing(name()));
        for (const Link& link : TRY(list_links(impl_->socket)))
            needed = needed || (link.kind == "bridge" && link.index != impl_->device.index);
        if (!needed) {
            TRY(sys::write_existing(k_ip_forward, "0"));
            if (impl_->has_ipv6()) TRY(sys::write_existing(k_ip_forward6, "0"));
        }
        TRY(remove_rules(name()));
    }
    if (impl_->config.tunnel) TRY(delete_link(impl_->socket, tunnel_name(impl_->config)));
    if (impl_->device.origin == Origin::administrators) return {};
    return delete_link(impl_->socket, name());
}

Result<void> set_default_route(BorrowedFd net_ns, int family, const std::string& interface,
                               const std::optional<IpAddress>& gateway) {
    NetlinkSocket socket = TRY(open_guest_socket(net_ns));
    return replace_default_route(socket, family, interface, gateway);
}

Result<void> add_addresses(BorrowedFd net_ns, const std::string& interface, const std::vector<Prefix>& addresses) {
    if (addresses.empty()) return {};
    NetlinkSocket socket = TRY(open_guest_socket(net_ns));
    auto link = TRY(find_link(socket, interface));
    if (!link) return Error(ErrorKind::not_found, "there is no interface " + interface);
    for (const Prefix& address : addresses)
        if (auto added = add_address(socket, link->index, address); !added.ok() && added.error().code() != EEXIST)
            return std::move(added).error().context("add " + address.str() + " to " + interface);
    return {};
}

Result<void> prepare_loopback(BorrowedFd net_ns) {
    NetlinkSocket socket = TRY(open_fresh_guest_socket(net_ns));
    return set_up(socket, "lo");
}

} // namespace hull::net
