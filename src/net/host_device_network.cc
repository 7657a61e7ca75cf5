#include "net/host_device_network.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include <linux/if_link.h>

#include "base/log.h"
#include "base/random.h"
#include "net/families.h"
#include "net/guest_namespace.h"
#include "net/link.h"

namespace hull::net {
namespace {

constexpr std::string_view k_parent_alias = "hull parent of ";

struct Mode {
    std::string_view name;
    uint32_t value;
};
constexpr Mode k_macvlan_modes[] = {{"", MACVLAN_MODE_BRIDGE},
                                    {"bridge", MACVLAN_MODE_BRIDGE},
                                    {"private", MACVLAN_MODE_PRIVATE},
                                    {"vepa", MACVLAN_MODE_VEPA},
                                    {"passthru", MACVLAN_MODE_PASSTHRU}};
constexpr Mode k_ipvlan_modes[] = {
    {"", IPVLAN_MODE_L2}, {"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}};
constexpr Mode k_ipvlan_flags[] = {{"", 0}, {"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}};

const Mode* find_mode(std::span<const Mode> modes, std::string_view name) {
    const auto found = std::ranges::find(modes, name, &Mode::name);
    return found == modes.end() ? nullptr : &*found;
}

Error refuse(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

const char* text_of(HostDeviceKind kind) { return kind == HostDeviceKind::macvlan ? "macvlan" : "ipvlan"; }

// How many networks of this process have a parent that was made for them.
std::mutex g_parents_mutex;
std::map<std::string, size_t> g_parents; // under g_parents_mutex

std::string alias_of_parent(const HostDeviceConfig& config) {
    return (std::string(k_parent_alias) + config.owner).substr(0, 255); // IFALIASZ - 1
}

Result<void> make_parent(NetlinkSocket& socket, const HostDeviceConfig& config) {
    const std::string alias = alias_of_parent(config);
    if (config.parent == config.dummy)
        return make_dummy(socket, config.parent, "dp" + config.parent.substr(std::min<size_t>(2, config.parent.size())),
                          alias);
    if (config.parent.find('.') == config.parent.npos)
        return refuse("invalid subinterface vlan name " + config.parent + ", example formatting is eth0.10");
    const VlanName vlan = TRY(parse_vlan_name(config.parent));
    const auto below = TRY(find_link(socket, vlan.parent));
    if (!below) return refuse("-o parent interface was not found on the host: " + vlan.parent);
    if (!TRY(kernel_makes(socket, "vlan")))
        return Error(ErrorKind::unsupported, "cannot make the 802.1q sub-interface " + config.parent +
                                                 ": this kernel has no such devices; load the module 8021q, or give a "
                                                 "parent that is there");
    return make_vlan(socket, config.parent, below->index, vlan.id, alias);
}

} // namespace

Result<void> check_modes(HostDeviceKind kind, const std::string& mode, const std::string& flag) {
    if (kind == HostDeviceKind::macvlan) {
        if (!find_mode(k_macvlan_modes, mode))
            return refuse("requested macvlan mode '" + mode +
                          "' is not valid, 'bridge' mode is the macvlan driver default");
        return {};
    }
    if (!find_mode(k_ipvlan_modes, mode))
        return refuse("requested ipvlan mode '" + mode + "' is not valid, 'l2' mode is the ipvlan driver default");
    if (!find_mode(k_ipvlan_flags, flag))
        return refuse("requested ipvlan flag '" + flag + "' is not valid, 'bridge' is the ipvlan driver default");
    return {};
}

Result<VlanName> parse_vlan_name(const std::string& text) {
    const size_t dot = text.find('.');
    if (dot == text.npos || text.find('.', dot + 1) != text.npos)
        return refuse("required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received " +
                      text);
    const std::string number = text.substr(dot + 1);
    int id = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
    if (error != std::errc() || end != number.data() + number.size())
        return refuse("unable to parse a valid vlan id from: " + number + " (ex. eth0.10 for vlan 10)");
    if (id < 1 || id > 4094) return refuse("vlan id must be between 1-4094, received: " + std::to_string(id));
    return VlanName{text.substr(0, dot), static_cast<uint16_t>(id)};
}

struct HostDeviceNetwork::Impl {
    const HostDeviceConfig config;
    const Families families;
    bool made_parent = false; // by us, now or in an earlier run

    Result<Leases> lease(const EndpointRequest& request, const std::string& owner);
    Result<MacAddress> make_device(BorrowedFd net_ns, const std::string& interface, const GuestSettings& settings,
                                   bool wants_mac);
    void release(const std::string& owner) {
        for (const FamilyPtr* family : {&families.v4, &families.v6})
            if (*family) (*family)->release_all(owner);
    }
};

HostDeviceNetwork::HostDeviceNetwork(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HostDeviceNetwork::~HostDeviceNetwork() {
    if (!impl_->made_parent) return;
    const std::lock_guard lock(g_parents_mutex);
    if (--g_parents[impl_->config.parent] == 0) g_parents.erase(impl_->config.parent);
}

const std::string& HostDeviceNetwork::name() const { return impl_->config.parent; }

std::vector<Network::Subnet> HostDeviceNetwork::subnets() const {
    std::vector<Subnet> out;
    for (const FamilyPtr* family : {&impl_->families.v4, &impl_->families.v6})
        if (*family)
            for (const Subnet& one : (*family)->subnets()) out.push_back(one);
    return out;
}

Result<std::unique_ptr<HostDeviceNetwork>> HostDeviceNetwork::create(const HostDeviceConfig& config) {
    TRY(check_modes(config.kind, config.mode, config.flag));
    const std::string kind = text_of(config.kind);
    if (config.parent == "lo") return refuse("loopback interface is not a valid " + kind + " parent link");
    if (config.parent.empty() || config.parent.size() >= 16) return refuse("invalid parent \"" + config.parent + "\"");
    auto impl = std::make_unique<Impl>(config, TRY(plan_families(config.subnets, config.reserved)));
    NetlinkSocket socket = TRY(open_route_socket());
    if (!TRY(kernel_makes(socket, kind)))
        return Error(ErrorKind::unsupported,
                     "this kernel has no " + kind + " devices: load the module " + kind + ", or choose another driver");
    const std::lock_guard lock(g_parents_mutex);
    auto parent = TRY(find_link(socket, config.parent));
    if (!parent) {
        TRY(make_parent(socket, config));
        impl->made_parent = true;
    } else {
        impl->made_parent = parent->alias == alias_of_parent(config);
    }
    if (impl->made_parent) ++g_parents[config.parent];
    return std::unique_ptr<HostDeviceNetwork>(new HostDeviceNetwork(std::move(impl)));
}

Result<void> HostDeviceNetwork::recover(std::span<const Endpoint> live) {
    auto take = [](const FamilyPtr& family, const IpAddress& ip, const std::string& owner) {
        if (!family) return;
        if (const auto leased = family->lease(ip, owner); !leased.ok())
            log::warning("take over address " + ip.str(), leased.error());
    };
    for (const Endpoint& endpoint : live) {
        if (!endpoint.ip.unspecified()) take(impl_->families.v4, endpoint.ip, endpoint.host_interface);
        if (endpoint.ip6) take(impl_->families.v6, *endpoint.ip6, endpoint.host_interface);
    }
    return {};
}

Result<Leases> HostDeviceNetwork::Impl::lease(const EndpointRequest& request, const std::string& owner) {
    Leases out;
    auto one = [&](const FamilyPtr& family, const std::optional<IpAddress>& wanted,
                   std::optional<IpAddress>& into) -> Result<void> {
        if (wanted && !family) return refuse("no configured subnet contains IP address " + wanted->str());
        if (!family) return {};
        if (wanted) TRY(family->lease(*wanted, owner));
        into = wanted ? *wanted : TRY(family->lease(owner));
        return {};
    };
    auto done = one(families.v4, request.ip, out.ip);
    if (done.ok()) done = one(families.v6, request.ip6, out.ip6);
    if (done.ok()) return out;
    release(owner);
    return std::move(done).error();
}

// The device in its namespace, up; its MAC.
Result<MacAddress> HostDeviceNetwork::Impl::make_device(BorrowedFd net_ns, const std::string& interface,
                                                        const GuestSettings& settings, bool wants_mac) {
    NetlinkSocket socket = TRY(open_route_socket());
    const auto parent = TRY(find_link(socket, config.parent));
    if (!parent) return Error(ErrorKind::unavailable, "the parent interface " + config.parent + " is gone");
    // passthru and ipvlan: the parent's, unless somebody wants another one.
    const bool own_mac = config.kind == HostDeviceKind::macvlan && (config.mode != "passthru" || wants_mac);
    const bool macvlan = config.kind == HostDeviceKind::macvlan;
    TRY(make_child(socket, {.kind = text_of(config.kind),
                            .parent = parent->index,
                            .mode = find_mode(macvlan ? std::span<const Mode>(k_macvlan_modes)
                                                      : std::span<const Mode>(k_ipvlan_modes),
                                              config.mode)
                                        ->value,
                            .flags = static_cast<uint16_t>(macvlan ? 0 : find_mode(k_ipvlan_flags, config.flag)->value),
                            .mtu = config.mtu,
                            .mac = own_mac ? settings.mac : std::nullopt,
                            .guest_ns = net_ns,
                            .guest_name = interface}));
    auto finish = [&]() -> Result<MacAddress> {
        NetlinkSocket guest = TRY(open_guest_socket(net_ns, families.v6 ? interface : ""));
        GuestSettings rest = settings;
        if (!own_mac) rest.mac.reset();
        TRY(set_up_guest(guest, interface, rest));
        const auto made = TRY(find_link(guest, interface));
        return made ? made->mac : MacAddress{};
    };
    auto done = finish();
    if (!done.ok())
        if (auto guest = open_guest_socket(net_ns); guest.ok()) (void)delete_link(*guest, interface);
    return done;
}

Result<Endpoint> HostDeviceNetwork::attach(BorrowedFd net_ns, const std::string& interface,
                                           const EndpointRequest& request, DefaultRoute route) {
    const std::string owner = text_of(impl_->config.kind) + ("-" + random_hex(8));
    const Leases leases = TRY(impl_->lease(request, owner));
    MacAddress mac = request.mac.value_or(mac_for(leases));
    GuestSettings settings = guest_settings(impl_->families, leases, mac);
    std::vector<IpAddress> gateways = std::exchange(settings.gateways, {});
    // Whoever had the address may be on its way out, and the link still knows its MAC.
    auto made = impl_->make_device(net_ns, interface, settings, request.mac.has_value());
    for (int i = 0; i < 100 && !made.ok() && (made.error().code() == EBUSY || made.error().code() == EADDRINUSE) &&
                    impl_->config.mode != "passthru";
         ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        made = impl_->make_device(net_ns, interface, settings, request.mac.has_value());
    }
    auto done = made.ok() ? Result<void>() : Result<void>(made.error());
    if (done.ok()) mac = *made;
    Endpoint endpoint = describe_endpoint(impl_->families, leases, mac, interface, owner);
    // Of layer 3: whoever is outside is on the link, there is no gateway.
    if (impl_->config.kind == HostDeviceKind::ipvlan && impl_->config.mode.starts_with("l3")) {
        endpoint.gateway = {};
        endpoint.gateway6 = IpAddress::v6({});
        for (IpAddress& one : gateways) one = one.is_v6() ? IpAddress::v6({}) : IpAddress();
    }
    if (done.ok() && route == DefaultRoute::here) {
        done = [&]() -> Result<void> {
            NetlinkSocket guest = TRY(open_guest_socket(net_ns));
            for (const IpAddress& gateway : gateways)
                TRY(replace_default_route(guest, gateway.family(), interface, gateway));
            return {};
        }();
        if (!done.ok()) (void)detach(net_ns, endpoint);
    }
    if (done.ok()) return endpoint;
    impl_->release(owner);
    return std::move(done).error().context(std::string("failed to create the ") + text_of(impl_->config.kind) +
                                           " port on " + impl_->config.parent);
}

void HostDeviceNetwork::disconnect(const Endpoint& endpoint) { impl_->release(endpoint.host_interface); }

Result<void> HostDeviceNetwork::detach(BorrowedFd net_ns, const Endpoint& endpoint) {
    NetlinkSocket guest = TRY(open_guest_socket(net_ns));
    // Its own devices aside, a namespace keeps what it has.
    const auto link = TRY(find_link(guest, endpoint.interface));
    if (link && link->kind == text_of(impl_->config.kind)) TRY(delete_link(guest, endpoint.interface));
    disconnect(endpoint);
    return {};
}

Result<void> HostDeviceNetwork::publish(std::span<const PortRule> ports, const std::string&) {
    if (ports.empty()) return {};
    return Error(ErrorKind::unsupported, std::string("a ") + text_of(impl_->config.kind) +
                                             " network publishes no ports: its containers are on the link themselves");
}

Result<Network::Fault> HostDeviceNetwork::find_fault() {
    NetlinkSocket socket = TRY(open_route_socket());
    return TRY(find_link(socket, impl_->config.parent)) ? Fault::none : Fault::device;
}

Result<void> HostDeviceNetwork::remove() {
    const std::lock_guard lock(g_parents_mutex);
    if (!impl_->made_parent || g_parents[impl_->config.parent] > 1) return {};
    NetlinkSocket socket = TRY(open_route_socket());
    return delete_link(socket, impl_->config.parent);
}

} // namespace hull::net
