#include "net/bridge.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "net/address_pool.h"
#include "net/bridge_device.h"
#include "net/firewall.h"
#include "net/link.h"
#include "net/link_remover.h"
#include "sys/file.h"
#include "sys/net_namespace.h"

namespace hull::net {
namespace {

constexpr const char* k_guest_interface = "eth0";
constexpr const char* k_ip_forward = "/proc/sys/net/ipv4/ip_forward";
// Link groups: ours while in use, and on the way out (plus random bits, since
// everything in that group is deleted).
constexpr uint32_t k_group = 0x48554c4c, k_doomed_group = 0x48000000;

constexpr std::string_view k_host_prefix = "veth"; // network managers leave such devices alone

std::string new_host_name() { return std::string(k_host_prefix) + random_hex(8); }

uint32_t new_doomed_group() {
    return k_doomed_group | static_cast<uint32_t>(std::stoul(random_hex(6), nullptr, 16) & 0x3fffff);
}

enum class Namespace : unsigned char { fresh, in_use };

// Sets what Docker's containers find set in their namespaces, and opens a
// socket there. A setting that this kernel lacks is left out.
Result<NetlinkSocket> enter_and_open(BorrowedFd net_ns, Namespace state = Namespace::fresh) {
    const auto inside = TRY(sys::NetNamespaceScope::enter(net_ns));
    if (state == Namespace::in_use) return open_route_socket();
    // /proc/sys/net shows the namespace of the thread that looks.
    constexpr std::pair<const char*, std::string_view> k_settings[] = {
        {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
        {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
    };
    for (const auto& [path, value] : k_settings)
        if (auto done = sys::write_existing(path, value); !done.ok() && done.error().code() != ENOENT)
            return std::move(done).error();
    return open_route_socket();
}

// The machine's own devices: hardware, and what is built from it.
bool is_uplink(const Link& link) {
    return link.name != "lo" &&
           (link.kind.empty() || link.kind == "bond" || link.kind == "vlan" || link.kind == "team");
}

Result<bool> forwarding_is_on() { return TRY(sys::read_file(k_ip_forward)).starts_with('1'); }

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

Result<void> prepare_forwarding(NetlinkSocket& socket, const BridgeConfig& config, const Prefix& subnet) {
    FirewallRules rules{.bridge = config.name,
                        .subnet = subnet,
                        .masquerade = config.masquerade == Switch::on,
                        .container_communication = config.container_communication == Switch::on,
                        .internal = config.internal == Switch::on};
    const bool turn_on = config.internal == Switch::off && config.forwarding == Switch::on && !TRY(forwarding_is_on());
    if (config.firewall == Switch::on) {
        sweep_rules(socket);
        if (turn_on || TRY(guards_routing(config.name))) rules.routing = Routing::only_for_containers;
        for (const Link& link : TRY(list_links(socket)))
            if (is_uplink(link)) rules.uplinks.push_back(link.name);
        TRY(install_rules(rules));
        // So that the host reaches published ports by 127.0.0.1, too.
        if (!rules.internal)
            TRY(sys::write_existing("/proc/sys/net/ipv4/conf/" + config.name + "/route_localnet", "1"));
    }
    if (!turn_on) return {};
    auto done = sys::write_existing(k_ip_forward, "1");
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

struct Plan {
    Prefix subnet, range;
    IpAddress gateway;
};

Result<Plan> plan_addresses(const BridgeConfig& config, const Prefix& address) {
    Plan plan{address.network(), address.network(), address.address};
    if (config.fixed_cidr) {
        plan.range = config.fixed_cidr->network();
        if (plan.range.length < plan.subnet.length || !plan.subnet.contains(plan.range.address))
            return Error(ErrorKind::invalid_argument, "fixed-cidr " + config.fixed_cidr->str() +
                                                          " is not a part of the subnet " + plan.subnet.str());
    }
    if (config.gateway) {
        plan.gateway = *config.gateway;
        if (!plan.subnet.contains(plan.gateway))
            return Error(ErrorKind::invalid_argument,
                         "default gateway " + plan.gateway.str() + " is not in the subnet " + plan.subnet.str());
    }
    return plan;
}

} // namespace

struct Bridge::Impl {
    Impl(BridgeConfig asked, const BridgeDevice& made, const Plan& plan, NetlinkSocket one, NetlinkSocket two)
        : config(std::move(asked)), device(made), gateway(plan.gateway), addresses(plan.subnet, plan.range),
          socket(std::move(one)),
          remover(std::move(two), new_doomed_group(), [this](const std::vector<std::string>& gone) {
              for (const std::string& name : gone) addresses.release_all(name);
          }) {
        addresses.reserve(made.address.address);
        addresses.reserve(plan.gateway);
        for (const IpAddress& ip : config.reserved) addresses.reserve(ip);
    }

    Result<void> make_veth_for(const std::string& host_name, BorrowedFd net_ns,
                               const std::string& guest_name = k_guest_interface);

    const BridgeConfig config;
    const BridgeDevice device;
    const IpAddress gateway;
    std::vector<std::string> warnings;
    AddressPool addresses;
    std::mutex socket_mutex;
    NetlinkSocket socket; // under socket_mutex
    LinkRemover remover;  // last: its thread uses addresses
};

// A link that exists. Whoever destroys it without clearing impl gives it back.
struct PreparedLink::State {
    Bridge::Impl* impl = nullptr;
    std::string host_name;
    NetlinkSocket guest;
    std::optional<IpAddress> ip; // configured already

    State(Bridge::Impl* owner, std::string name, NetlinkSocket socket, std::optional<IpAddress> address)
        : impl(owner), host_name(std::move(name)), guest(std::move(socket)), ip(address) {}
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
IpAddress Bridge::address() const { return impl_->device.address.address; }
Prefix Bridge::subnet() const { return impl_->device.address.network(); }
IpAddress Bridge::gateway() const { return impl_->gateway; }
const std::vector<std::string>& Bridge::warnings() const { return impl_->warnings; }

Result<Bridge::Fault> Bridge::find_fault() {
    {
        std::lock_guard held(impl_->socket_mutex);
        const auto link = TRY(find_link(impl_->socket, name()));
        if (!link) return Fault::device;
    }
    if (impl_->config.firewall != Switch::on) return Fault::none;
    const std::vector<std::string> bridges = TRY(bridges_with_rules());
    return std::find(bridges.begin(), bridges.end(), name()) == bridges.end() ? Fault::rules : Fault::none;
}

Result<void> Bridge::install_rules_again() {
    std::lock_guard held(impl_->socket_mutex);
    return prepare_forwarding(impl_->socket, impl_->config, subnet());
}

Result<std::unique_ptr<Bridge>> Bridge::create(const BridgeConfig& config) {
    TRY(check(config));
    NetlinkSocket socket = TRY(open_route_socket());
    NetlinkSocket second = TRY(open_route_socket());
    const BridgeDevice device = TRY(ensure_bridge(socket, config));
    const auto plan = plan_addresses(config, device.address);
    auto ready = plan.ok() ? prepare_forwarding(socket, config, plan->subnet) : Result<void>(plan.error());
    if (!ready.ok()) {
        if (device.origin == Origin::made_now) (void)delete_link(socket, config.name);
        return std::move(ready).error().context("bridge " + config.name);
    }
    auto impl = std::make_unique<Impl>(config, device, *plan, std::move(socket), std::move(second));
    impl->warnings = look_for_obstacles(config);
    return std::unique_ptr<Bridge>(new Bridge(std::move(impl)));
}

Result<void> Bridge::recover(std::span<const Endpoint> live) {
    std::set<std::string> keep;
    for (const Endpoint& endpoint : live) {
        keep.insert(endpoint.host_interface);
        // Two records with one address, or one of another subnet: the container
        // runs all the same, so the rest goes on.
        if (const auto leased = impl_->addresses.lease(endpoint.ip, endpoint.host_interface); !leased.ok())
            log::warning("take over address " + endpoint.ip.str(), leased.error());
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

Result<PreparedLink> Bridge::prepare(BorrowedFd net_ns) {
    const std::string host_name = new_host_name();
    NetlinkSocket guest = TRY(enter_and_open(net_ns));
    TRY(impl_->make_veth_for(host_name, net_ns));
    // From here on dropping the link undoes everything.
    PreparedLink link;
    link.state_ = std::make_unique<PreparedLink::State>(impl_.get(), host_name, std::move(guest), std::nullopt);

    GuestSettings settings;
    if (impl_->addresses.roomy()) {
        const IpAddress ip = TRY(impl_->addresses.lease(host_name));
        settings = {Prefix{ip, impl_->device.address.length}, impl_->gateway, MacAddress::from_ip(ip)};
        link.state_->ip = ip;
    }
    TRY(set_up_guest(link.state_->guest, k_guest_interface, settings));
    return link;
}

Result<Endpoint> Bridge::connect(PreparedLink link, const EndpointRequest& request) {
    if (!link.state_) return Error(ErrorKind::internal, "connect: this link was given away already");
    PreparedLink::State& state = *link.state_;
    const uint8_t length = impl_->device.address.length;

    IpAddress ip;
    if (request.ip && request.ip != state.ip) {
        TRY(impl_->addresses.lease(*request.ip, state.host_name));
        ip = *request.ip;
    } else {
        ip = state.ip ? *state.ip : TRY(impl_->addresses.lease(state.host_name));
    }
    const MacAddress mac = request.mac.value_or(MacAddress::from_ip(ip));
    if (ip != state.ip) {
        GuestSettings old;
        if (state.ip) old.address = Prefix{*state.ip, length};
        TRY(change_guest(state.guest, k_guest_interface, old, {Prefix{ip, length}, impl_->gateway, mac}));
        if (state.ip) impl_->addresses.release(*state.ip, state.host_name);
    } else if (request.mac) {
        TRY(change_guest(state.guest, k_guest_interface, {}, {.address = {}, .gateway = {}, .mac = mac}));
    }
    Endpoint endpoint{ip, length, impl_->gateway, mac, k_guest_interface, state.host_name};
    state.impl = nullptr;
    return endpoint;
}

Result<Endpoint> Bridge::attach(BorrowedFd net_ns, const std::string& interface, const EndpointRequest& request,
                                DefaultRoute route) {
    const std::string host_name = new_host_name();
    NetlinkSocket guest = TRY(enter_and_open(net_ns, Namespace::in_use));
    TRY(impl_->make_veth_for(host_name, net_ns, interface));
    // From here on dropping it undoes everything.
    PreparedLink::State state(impl_.get(), host_name, std::move(guest), std::nullopt);
    IpAddress ip;
    if (request.ip) {
        auto leased = impl_->addresses.lease(*request.ip, host_name);
        if (!leased.ok() && leased.error().kind() == ErrorKind::conflict) {
            // Whoever had it may be on its way out: a restart of the same container.
            impl_->remover.drain();
            leased = impl_->addresses.lease(*request.ip, host_name);
        }
        TRY(std::move(leased));
        ip = *request.ip;
    } else {
        ip = TRY(impl_->addresses.lease(host_name));
    }
    const uint8_t length = impl_->device.address.length;
    const MacAddress mac = request.mac.value_or(MacAddress::from_ip(ip));
    TRY(set_up_guest(state.guest, interface, {Prefix{ip, length}, std::nullopt, mac}));
    if (route == DefaultRoute::here) TRY(replace_default_route(state.guest, interface, impl_->gateway));
    state.impl = nullptr;
    return Endpoint{ip, length, impl_->gateway, mac, interface, host_name};
}

Result<void> Bridge::publish(std::span<const PortRule> ports, const std::string& host_interface) {
    if (impl_->config.firewall == Switch::off || impl_->config.internal == Switch::on)
        return Error(ErrorKind::unsupported, "network " + name() + " publishes no ports");
    if (ports.empty()) return {};
    {
        const std::lock_guard lock(impl_->socket_mutex);
        TRY(set_hairpin(impl_->socket, host_interface));
    }
    return add_ports(name(), ports);
}

void Bridge::unpublish(std::span<const PortRule> ports) {
    if (remove_ports(name(), ports).ok()) return;
    // Somebody else took one away: each for itself.
    for (const PortRule& port : ports)
        if (auto done = remove_ports(name(), {&port, 1}); !done.ok() && done.error().code() != ENOENT)
            log::warning("remove a published port", done.error());
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
        if (!needed) TRY(sys::write_existing(k_ip_forward, "0"));
        TRY(remove_rules(name()));
    }
    if (impl_->device.origin == Origin::administrators) return {};
    return delete_link(impl_->socket, name());
}

Result<void> set_default_route(BorrowedFd net_ns, const std::string& interface,
                               const std::optional<IpAddress>& gateway) {
    NetlinkSocket socket = TRY(enter_and_open(net_ns, Namespace::in_use));
    return replace_default_route(socket, interface, gateway);
}

Result<void> prepare_loopback(BorrowedFd net_ns) {
    NetlinkSocket socket = TRY(enter_and_open(net_ns));
    return set_up(socket, "lo");
}

} // namespace hull::net
