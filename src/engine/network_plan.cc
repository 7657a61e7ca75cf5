#include "engine/network_plan.h"

#include <algorithm>
#include <charconv>

#include "engine/overlay_plan.h"
#include "net/bridge.h"
#include "net/egress_list.h"
#include "net/host_addresses.h"
#include "net/host_device_network.h"

namespace hull::engine {
namespace {

constexpr const char* kMtuOption = "com.docker.network.driver.mtu";
constexpr uint32_t kTunnelMtu = 1450; // what a tunnel leaves of 1500

using Options = std::map<std::string, std::string>;

Error bad_request(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

std::string text_option(const Options& options, const std::string& key) {
    auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
}

Result<bool> bool_option(const Options& options, const std::string& key, bool absent) {
    auto found = options.find(key);
    if (found == options.end()) return absent;
    const std::string& text = found->second;
    if (text == "true" || text == "1" || text == "t" || text == "T" || text == "TRUE" || text == "True") return true;
    if (text == "false" || text == "0" || text == "f" || text == "F" || text == "FALSE" || text == "False")
        return false;
    return bad_request("invalid value for " + key + ": " + text);
}

bool is_host_device(const std::string& driver) { return driver == "macvlan" || driver == "ipvlan"; }

Result<void> check_bridge_options(const Options& options) {
    for (const auto& [key, value] : options) {
        const bool is_default = key == "com.docker.network.bridge.gateway_mode_ipv4"         ? value == "nat"
                                : key == "com.docker.network.bridge.gateway_mode_ipv6"       ? value == "nat"
                                : key == "com.docker.network.bridge.inhibit_ipv4"            ? value == "false"
                                : key == "com.docker.network.bridge.trusted_host_interfaces" ? value.empty()
                                                                                             : true;
        if (!is_default)
            return Error(ErrorKind::unsupported, "network option " + key + "=" + value + " is not supported");
    }
    for (const char* key : {"enable_icc", "enable_ip_masquerade"})
        TRY(bool_option(options, std::string(kBridgeOptions) + key, true));
    return {};
}

net::HostDeviceKind kind_of(const std::string& driver) {
    return driver == "macvlan" ? net::HostDeviceKind::macvlan : net::HostDeviceKind::ipvlan;
}

Result<void> check_pool(const model::IpamPool& pool) {
    if (pool.subnet.empty()) {
        if (!pool.gateway.empty() || !pool.ip_range.empty() || !pool.aux_addresses.empty())
            return bad_request("every ip-range or gateway must have a corresponding subnet");
        return {};
    }
    auto subnet = net::Prefix::parse(pool.subnet);
    if (!subnet.ok()) return bad_request("invalid subnet " + pool.subnet + ": not a network in CIDR notation");
    if (subnet->address.is_v6() && subnet->length > 126)
        return bad_request("invalid subnet " + pool.subnet + ": too small");
    if (subnet->network() != *subnet)
        return bad_request("invalid subnet " + pool.subnet + ": it should be " + subnet->network().str());
    if (!pool.ip_range.empty()) {
        auto range = net::Prefix::parse(pool.ip_range);
        if (!range.ok() || range->length < subnet->length || !subnet->contains(range->address))
            return bad_request("invalid ip-range " + pool.ip_range + ": not a part of the subnet " + pool.subnet);
    }
    auto within = [&](const std::string& text, const char* what) -> Result<void> {
        auto ip = net::IpAddress::parse(text);
        if (!ip.ok() || !subnet->contains(*ip))
            return bad_request(std::string("invalid ") + what + " " + text + ": not in the subnet " + pool.subnet);
        return {};
    };
    if (!pool.gateway.empty()) TRY(within(pool.gateway, "gateway address"));
    for (const auto& [name, address] : pool.aux_addresses) TRY(within(address, "auxiliary address"));
    return {};
}

Result<void> check_pools(const model::IpamSettings& ipam) {
    for (const model::IpamPool& pool : ipam.config) TRY(check_pool(pool));
    for (size_t i = 0; i < ipam.config.size(); ++i)
        for (size_t j = 0; j < i; ++j) {
            const model::IpamPool &one = ipam.config[i], &other = ipam.config[j];
            if (is_ipv6(one) != is_ipv6(other)) continue;
            if (one.subnet.empty() || other.subnet.empty())
                return bad_request("of several subnets of one family each has to be given");
            if (TRY(net::Prefix::parse(one.subnet)).overlaps(TRY(net::Prefix::parse(other.subnet))))
                return bad_request("multiple overlapping subnet configuration is not supported");
        }
    return {};
}

net::Switch switched(bool value) { return value ? net::Switch::on : net::Switch::off; }

uint32_t mtu_of(const model::NetworkRecord& record, uint32_t absent) {
    const std::string text = text_option(record.options, kMtuOption);
    return text.empty() ? absent : static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

std::vector<net::IpAddress> reserved_of(const model::NetworkRecord& record) {
    std::vector<net::IpAddress> out;
    for (const model::IpamPool& pool : record.ipam.config)
        for (const auto& [name, address] : pool.aux_addresses)
            if (auto ip = net::IpAddress::parse(address); ip.ok()) out.push_back(*ip);
    return out;
}

Result<net::BridgeConfig> bridge_config(const model::NetworkRecord& record, const NetworkDefaults& defaults,
                                        const std::vector<net::Prefix>& taken) {
    net::BridgeConfig config;
    const std::string prefix = kBridgeOptions;
    config.name = record.bridge;
    config.pools = defaults.address_pools;
    config.taken = taken;
    config.owner = defaults.owner + " network " + record.id.substr(0, 12);
    config.container_communication = switched(TRY(bool_option(record.options, prefix + "enable_icc", true)));
    config.masquerade = switched(TRY(bool_option(record.options, prefix + "enable_ip_masquerade", true)));
    config.internal = switched(record.internal);
    config.ipv4 = switched(record.enable_ipv4);
    config.ipv6 = switched(record.enable_ipv6);
    config.firewall6 = switched(defaults.ip6tables);
    config.reserved = reserved_of(record);
    std::vector<net::SubnetPlan> subnets = subnets_of(record);
    if (record.driver == "overlay") {
        const OverlayPlan plan = TRY(plan_overlay(record));
        config.tunnel = plan.tunnel;
        for (net::SubnetPlan& one : subnets) one = plan.part_of(one);
    }
    config.mtu = mtu_of(record, config.tunnel ? kTunnelMtu : 1500);
    for (const net::SubnetPlan& one : subnets) {
        const bool v6 = one.address.address.is_v6();
        auto& address = v6 ? config.address6 : config.address;
        if (address) {
            config.more.push_back(one);
            continue;
        }
        address = one.address;
        (v6 ? config.fixed_cidr6 : config.fixed_cidr) = one.range;
    }
    return config;
}

net::HostDeviceConfig host_device_config(const model::NetworkRecord& record, const NetworkDefaults& defaults) {
    const bool dummy = text_option(record.options, "parent").empty();
    return {.kind = kind_of(record.driver),
            .mode = text_option(record.options, record.driver + "_mode"),
            .flag = text_option(record.options, "ipvlan_flag"),
            .parent = record.bridge,
            .dummy = dummy ? record.bridge : "",
            .owner = defaults.owner,
            .subnets = subnets_of(record),
            .reserved = reserved_of(record),
            .mtu = mtu_of(record, 0),
            .internal = switched(is_isolated(record))};
}

} // namespace

Result<std::string> check_driver(const model::NetworkRequest& request) {
    if (request.config_only) return std::string("null");
    const std::string driver = request.driver.empty() || request.driver == "default" ? "bridge" : request.driver;
    if (driver == "host" || driver == "null")
        return Error(ErrorKind::forbidden, "only one instance of \"" + driver + "\" network is allowed");
    if (driver == "overlay" && request.config_from.empty() && !request.options.contains("peers") &&
        !request.options.contains("peers-file"))
        return Error(ErrorKind::unavailable, "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
                                             "swarm join\" to connect this node to swarm and try again. (Without a "
                                             "swarm: name the other machines by -o peers=... or -o peers-file=...)");
    if (driver != "bridge" && driver != "overlay" && !is_host_device(driver))
        return Error(ErrorKind::not_found, "plugin \"" + driver + "\" not found");
    return driver;
}

// moby, libnetwork/network.go: validateConfiguration.
Result<void> check_configuration(const model::NetworkRequest& request) {
    auto forbidden = [](const char* text) { return Error(ErrorKind::forbidden, text); };
    if (request.config_only && (request.ingress || request.internal || request.attachable || !request.scope.empty()))
        return forbidden("configuration network can only contain network specific fields. Network operator fields "
                         "like [ ingress | internal | attachable | scope ] are not supported.");
    if (request.config_from.empty()) return {};
    if (request.config_only) return forbidden("a configuration network cannot depend on another configuration network");
    const model::IpamSettings& ipam = request.ipam;
    if ((!ipam.driver.empty() && ipam.driver != "default") || request.enable_ipv6 || !request.labels.empty() ||
        (ipam.options && !ipam.options->empty()) || !ipam.config.empty())
        return forbidden("user specified configurations are not supported if the network depends on a configuration "
                         "network");
    if (!request.options.empty())
        return forbidden("network driver options are not supported if the network depends on a configuration network");
    return {};
}

Result<void> check_limits(const std::map<std::string, std::string>& options, const std::string& driver) {
    if (const std::string text = text_option(options, "hull.egress"); !text.empty()) {
        TRY(net::parse_egress(text));
        if (is_host_device(driver))
            return Error(ErrorKind::unsupported, "an egress list has no effect on a " + driver +
                                                     " network: its containers are on the link themselves");
    }
    if (const std::string text = text_option(options, "hull.bandwidth"); !text.empty()) TRY(net::parse_bandwidth(text));
    return {};
}

Result<void> check_request(const model::NetworkRequest& request, const std::string& driver) {
    auto unsupported = [](const std::string& text) { return Error(ErrorKind::unsupported, text); };
    if (!request.enable_ipv4.value_or(true) && !request.enable_ipv6) return bad_request("IPv4 or IPv6 must be enabled");
    if (request.ingress) return bad_request("Ingress network creation is not supported outside a swarm");
    if (!request.scope.empty() && request.scope != "local")
        return bad_request("invalid scope \"" + request.scope + "\": this engine is not in a swarm");
    if (!request.ipam.driver.empty() && request.ipam.driver != "default")
        return unsupported("IPAM driver \"" + request.ipam.driver + "\" is not supported");
    if (const std::string mtu = text_option(request.options, kMtuOption); !mtu.empty()) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(mtu.data(), mtu.data() + mtu.size(), value);
        if (error != std::errc() || end != mtu.data() + mtu.size() || value < 68 || value > 65535)
            return bad_request("invalid MTU: " + mtu);
    }
    TRY(check_pools(request.ipam));
    TRY(check_limits(request.options, driver));
    if (driver == "bridge" || driver == "overlay") TRY(check_bridge_options(request.options));
    if (driver == "overlay") TRY(check_overlay(request));
    if (is_host_device(driver))
        TRY(net::check_modes(kind_of(driver), text_option(request.options, driver + "_mode"),
                             text_option(request.options, "ipvlan_flag")));
    return {};
}

bool is_ipv6(const model::IpamPool& pool) {
    return (pool.subnet + pool.gateway + pool.ip_range).find(':') != std::string::npos;
}

std::string device_of(const model::NetworkRecord& record) {
    const std::string id = record.id.substr(0, 12);
    if (is_host_device(record.driver)) {
        const std::string parent = text_option(record.options, "parent");
        return parent.empty() ? (record.driver == "macvlan" ? "dm-" : "di-") + id : parent;
    }
    const std::string asked = text_option(record.options, std::string(kBridgeOptions) + "name");
    return asked.empty() ? "br-" + id : asked;
}

bool is_isolated(const model::NetworkRecord& record) {
    return record.internal || (is_host_device(record.driver) && text_option(record.options, "parent").empty());
}

std::vector<net::SubnetPlan> subnets_of(const model::NetworkRecord& record) {
    std::vector<net::SubnetPlan> out;
    for (const model::IpamPool& pool : record.ipam.config) {
        auto subnet = net::Prefix::parse(pool.subnet);
        if (!subnet.ok() || !(is_ipv6(pool) ? record.enable_ipv6 : record.enable_ipv4)) continue;
        net::IpAddress own = net::next_address(subnet->network().address);
        if (auto gateway = net::IpAddress::parse(pool.gateway); gateway.ok()) own = *gateway;
        net::SubnetPlan plan{.address = {own, subnet->length}};
        if (auto range = net::Prefix::parse(pool.ip_range); range.ok()) plan.range = *range;
        out.push_back(plan);
    }
    return out;
}

Result<std::unique_ptr<net::Network>> make_network(const model::NetworkRecord& record, const NetworkDefaults& defaults,
                                                   const std::vector<net::Prefix>& taken) {
    if (!is_host_device(record.driver)) {
        auto made = TRY(net::Bridge::create(TRY(bridge_config(record, defaults, taken))));
        return std::unique_ptr<net::Network>(std::move(made));
    }
    net::HostDeviceConfig config = host_device_config(record, defaults);
    auto missing = [&](bool v6) {
        return (v6 ? record.enable_ipv6 : record.enable_ipv4) &&
               std::ranges::none_of(config.subnets,
                                    [&](const net::SubnetPlan& one) { return one.address.address.is_v6() == v6; });
    };
    for (const bool v6 : {false, true})
        if (missing(v6))
            config.subnets.push_back(
                {.address = TRY(net::choose_free_subnet(v6, defaults.address_pools, taken, defaults.owner))});
    auto made = TRY(net::HostDeviceNetwork::create(config));
    return std::unique_ptr<net::Network>(std::move(made));
}

} // namespace hull::engine
