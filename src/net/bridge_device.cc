#include "net/bridge_device.h"

#include <algorithm>

#include <net/if.h>

#include "base/random.h"
#include "net/address_pool.h"
#include "net/host_addresses.h"
#include "net/link.h"
#include "sys/file.h"

namespace hull::net {
namespace {

constexpr std::string_view k_alias_prefix = "hull bridge of ";
constexpr std::string_view k_tunnel_prefix = "hull tunnel from ";
constexpr size_t k_longest_alias = 255; // IFALIASZ - 1
constexpr uint32_t k_group_byte = 0x48; // the first of our links' group (bridge.cc)
const IpAddress k_bridge_link_local = IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
const Prefix k_link_local{k_bridge_link_local, 10};

Error wrong(std::string text) { return Error(ErrorKind::invalid_argument, std::move(text)); }
Error taken(std::string text) { return Error(ErrorKind::conflict, std::move(text)); }

std::string alias_of(const BridgeConfig& config) {
    return (std::string(k_alias_prefix) + config.owner).substr(0, k_longest_alias);
}

Result<void> check_name(const std::string& name) {
    const bool plain =
        std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 127 && c != '/' && c != ':'; });
    if (name.empty() || name.size() >= IFNAMSIZ || !plain || name == "." || name == "..")
        return wrong("invalid bridge name \"" + name + "\"");
    return {};
}

// 02:42 and four random bytes: a MAC that doesn't change when ports come and go.
MacAddress random_mac() {
    MacAddress mac{{0x02, 0x42}};
    const std::string digits = random_hex(8);
    for (size_t i = 0; i < 4; ++i)
        mac.bytes[i + 2] = static_cast<uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
    return mac;
}

Result<std::vector<Prefix>> addresses_of(NetlinkSocket& socket, uint32_t link, bool v6) {
    std::vector<Prefix> out;
    for (const InterfaceAddress& address : TRY(list_addresses(socket)))
        if (address.link == link && address.prefix.address.is_v6() == v6 &&
            !k_link_local.contains(address.prefix.address))
            out.push_back(address.prefix);
    return out;
}

// The address of a device that was there before: its own, or the one asked for
// if it can have it.
Result<Prefix> settle_address(NetlinkSocket& socket, const BridgeConfig& config, const BridgeDevice& device) {
    const std::vector<Prefix> present = TRY(addresses_of(socket, device.index, false));
    if (!config.address && !present.empty()) return present.front();
    if (config.address && std::ranges::find(present, *config.address) != present.end()) return *config.address;

    const std::string has = present.empty() ? "no address" : "the address " + present.front().str();
    if (device.origin == Origin::administrators) {
        if (config.address) return taken("bridge " + config.name + " has " + has + ", not " + config.address->str());
        return taken("bridge " + config.name + " has no IPv4 address");
    }
    if (!TRY(ports_of(socket, device.index)).empty())
        return taken("bridge " + config.name + " has " + has +
                     " and containers attached to it; stop them before it gets another one");
    const Prefix wanted =
        config.address ? *config.address : TRY(choose_free_subnet(false, config.pools, config.taken, config.owner));
    for (const Prefix& old : present) TRY(remove_address(socket, device.index, old));
    TRY(add_address(socket, device.index, wanted));
    return wanted;
}

// What IPv6 wants of the device, in the order in which it wants it.
Result<void> allow_ipv6(const BridgeConfig& config) {
    const std::string folder = "/proc/sys/net/ipv6/conf/" + config.name + "/";
    constexpr std::pair<const char*, std::string_view> k_settings[] = {
        {"disable_ipv6", "0"}, {"accept_ra", "0"}, // containers can't change the host's routes
    };
    for (const auto& [name, value] : k_settings)
        if (auto done = sys::write_existing(folder + name, value); !done.ok()) {
            if (done.error().code() == ENOENT)
                return Error(ErrorKind::unsupported, "IPv6 is switched off in this kernel");
            return done;
        }
    return {};
}

// The IPv6 address, on a device of any age. One that it has is as good as another,
// unless somebody asks for a certain one.
Result<Prefix> settle_address6(NetlinkSocket& socket, const BridgeConfig& config, const BridgeDevice& device) {
    const std::vector<Prefix> present = TRY(addresses_of(socket, device.index, true));
    if (!config.address6 && !present.empty()) return present.front();
    if (config.address6 && std::ranges::find(present, *config.address6) != present.end()) return *config.address6;
    if (device.origin == Origin::administrators)
        return taken("bridge " + config.name + " doesn't have " +
                     (config.address6 ? "the address " + config.address6->str() : "an IPv6 address"));
    const Prefix wanted =
        config.address6 ? *config.address6 : TRY(choose_free_subnet(true, config.pools, config.taken, config.owner));
    TRY(allow_ipv6(config));
    for (const Prefix& old : present) TRY(remove_address(socket, device.index, old));
    TRY(add_address(socket, device.index, wanted));
    // Docker's bridges have it, too; it is there already when the device was ours before.
    (void)add_address(socket, device.index, {k_bridge_link_local, 64});
    return wanted;
}

Result<void> add_further_addresses(NetlinkSocket& socket, const BridgeConfig& config, const BridgeDevice& device) {
    for (const SubnetPlan& plan : config.more) {
        const bool v6 = plan.address.address.is_v6();
        const std::vector<Prefix> present = TRY(addresses_of(socket, device.index, v6));
        if (std::ranges::find(present, plan.address) != present.end()) continue;
        if (device.origin == Origin::administrators)
            return taken("bridge " + config.name + " doesn't have the address " + plan.address.str());
        if (v6) TRY(allow_ipv6(config));
        TRY(add_address(socket, device.index, plan.address));
    }
    return {};
}

Result<BridgeDevice> adopt(NetlinkSocket& socket, const BridgeConfig& config, const Link& link) {
    if (link.kind != "bridge") return taken("network device " + config.name + " exists and is not a bridge");
    BridgeDevice device;
    device.index = link.index;
    if (link.alias == alias_of(config))
        device.origin = Origin::ours;
    else if (!link.alias.starts_with(k_alias_prefix)) {
        device.origin = Origin::administrators;
        // Two engines would give out the same addresses, and each take the other's links for a stranger's.
        if (const auto others = TRY(foreign_ports_of(socket, link.index)); !others.empty())
            return taken("bridge " + config.name + " carries containers of another engine (" + others.front() +
                         "): choose another name with --bridge, or end them first");
    } else
        return taken("bridge " + config.name + " belongs to another engine (" +
                     link.alias.substr(k_alias_prefix.size()) + "); choose another name with --bridge");
    if (config.ipv4 == Switch::on) device.address = TRY(settle_address(socket, config, device));
    TRY(set_up(socket, config.name));
    if (config.ipv6 == Switch::on) device.address6 = TRY(settle_address6(socket, config, device));
    TRY(add_further_addresses(socket, config, device));
    return device;
}

Result<BridgeDevice> finish_new(NetlinkSocket& socket, const BridgeConfig& config,
                                const std::optional<Prefix>& address) {
    const auto link = TRY(find_link(socket, config.name));
    if (!link) return Error(ErrorKind::internal, "bridge " + config.name + " vanished while it was made");
    if (address) TRY(add_address(socket, link->index, *address));
    TRY(set_up(socket, config.name));
    BridgeDevice device{link->index, address, std::nullopt, Origin::made_now};
    if (config.ipv6 == Switch::on) device.address6 = TRY(settle_address6(socket, config, device));
    TRY(add_further_addresses(socket, config, device));
    return device;
}

} // namespace

Result<void> check(const BridgeConfig& config) {
    TRY(check_name(config.name));
    if (config.mtu < 68 || config.mtu > 65535) return wrong("invalid MTU " + std::to_string(config.mtu));
    if (config.ipv4 == Switch::off && config.ipv6 == Switch::off) return wrong("IPv4 or IPv6 must be enabled");
    if (config.address6 && (!config.address6->address.is_v6() || config.address6->length > 126 ||
                            config.address6->address == config.address6->network().address))
        return wrong("the bridge's address " + config.address6->str() + " is not a host's address in an IPv6 subnet");
    if (!config.address) return {};
    const Prefix& address = *config.address;
    if (address.address.is_v6()) return wrong("the bridge's address " + address.str() + " is not IPv4");
    if (address.length < 8 || address.length > 30 || address.address == address.network().address ||
        address.address == address.broadcast())
        return wrong("the bridge's address " + address.str() + " is not a host's address in a subnet of /8 to /30");
    return {};
}

Result<BridgeDevice> ensure_bridge(NetlinkSocket& socket, const BridgeConfig& config) {
    if (const auto link = TRY(find_link(socket, config.name))) return adopt(socket, config, *link);
    std::optional<Prefix> address;
    if (config.ipv4 == Switch::on)
        address =
            config.address ? *config.address : TRY(choose_free_subnet(false, config.pools, config.taken, config.owner));
    TRY(make_bridge(socket, config.name, random_mac(), config.mtu, alias_of(config)));
    auto device = finish_new(socket, config, address);
    if (!device.ok()) (void)delete_link(socket, config.name);
    return device;
}

std::string tunnel_name(const BridgeConfig& config) {
    // "br-" and 12 digits of an id are as long as a name can be.
    return "vx-" + (config.name.starts_with("br-") ? config.name.substr(3) : config.name).substr(0, IFNAMSIZ - 4);
}

Result<void> ensure_tunnel(NetlinkSocket& socket, const BridgeConfig& config, const Tunnel& tunnel,
                           const BridgeDevice& device) {
    const std::string name = tunnel_name(config);
    std::string alias = std::string(k_tunnel_prefix) + tunnel.local.str() + " vni " + std::to_string(tunnel.vni) +
                        " port " + std::to_string(tunnel.port);
    for (const IpAddress& peer : tunnel.peers) alias += " " + peer.str();
    alias = alias.substr(0, k_longest_alias);
    // Peers that the alias has no room for would go unnoticed: such a tunnel is made anew each time.
    if (const auto link = TRY(find_link(socket, name))) {
        if (!link->alias.starts_with(k_tunnel_prefix)) return taken("network device " + name + " exists already");
        if (link->alias == alias && alias.size() < k_longest_alias && link->master == device.index) return {};
        TRY(delete_link(socket, name));
    }
    if (!TRY(kernel_makes(socket, "vxlan")))
        return Error(ErrorKind::unsupported, "this kernel has no vxlan devices: load the module vxlan, or choose "
                                             "another driver");
    return make_vxlan(socket, {.name = name,
                               .alias = alias,
                               .bridge = device.index,
                               .mtu = config.mtu,
                               .vni = tunnel.vni,
                               .port = tunnel.port,
                               .local = tunnel.local,
                               .peers = tunnel.peers});
}

Result<std::vector<std::string>> foreign_ports_of(NetlinkSocket& socket, uint32_t bridge) {
    std::vector<std::string> out;
    for (const Link& link : TRY(list_links(socket)))
        if (link.master == bridge && link.kind == "veth" && link.name.starts_with("veth") &&
            link.group >> 24 != k_group_byte)
            out.push_back(link.name);
    return out;
}

Result<std::vector<std::string>> ports_of(NetlinkSocket& socket, uint32_t bridge) {
    std::vector<std::string> out;
    for (const Link& link : TRY(list_links(socket)))
        if (link.master == bridge && !link.alias.starts_with(k_tunnel_prefix)) out.push_back(link.name);
    return out;
}

} // namespace hull::net
