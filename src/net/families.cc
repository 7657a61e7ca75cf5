#include "net/families.h"

#include <algorithm>

namespace hull::net {
namespace {

Result<FamilyPtr> plan_family(const std::optional<Prefix>& address, const std::optional<Prefix>& fixed,
                              const std::optional<IpAddress>& asked) {
    if (!address) return FamilyPtr();
    const Prefix subnet = address->network();
    const Prefix range = fixed ? fixed->network() : subnet;
    if (range.length < subnet.length || !subnet.contains(range.address))
        return Error(ErrorKind::invalid_argument,
                     "fixed-cidr " + fixed->str() + " is not a part of the subnet " + subnet.str());
    const IpAddress gateway = asked.value_or(address->address);
    if (!subnet.contains(gateway))
        return Error(ErrorKind::invalid_argument,
                     "default gateway " + gateway.str() + " is not in the subnet " + subnet.str());
    return std::make_unique<Family>(*address, gateway, range);
}

} // namespace

Family::Family(const Prefix& own, const IpAddress& way_out, const Prefix& range)
    : address(own), gateway(way_out), pool(own.network(), range) {
    pool.reserve(own.address);
    pool.reserve(way_out);
}

std::vector<Prefix> Families::subnets() const {
    std::vector<Prefix> out;
    for (const FamilyPtr* one : {&v4, &v6})
        if (*one) out.push_back((*one)->address.network());
    return out;
}

Result<Families> plan_addresses(const BridgeConfig& config, const BridgeDevice& device) {
    Families out;
    out.v4 = TRY(plan_family(device.address, config.fixed_cidr, config.gateway));
    out.v6 = TRY(plan_family(device.address6, config.fixed_cidr6, config.gateway6));
    for (const IpAddress& ip : config.reserved)
        if (const FamilyPtr& one = ip.is_v6() ? out.v6 : out.v4) one->pool.reserve(ip);
    return out;
}

MacAddress mac_for(const Leases& leases) { return MacAddress::from_ip(leases.ip ? *leases.ip : *leases.ip6); }

void keep_differences(GuestSettings& old, GuestSettings& settings) {
    const std::vector<Prefix> before = old.addresses;
    std::erase_if(old.addresses, [&](const Prefix& one) {
        return std::ranges::find(settings.addresses, one) != settings.addresses.end();
    });
    std::erase_if(settings.addresses,
                  [&](const Prefix& one) { return std::ranges::find(before, one) != before.end(); });
    // A default route of IPv4 goes with the address.
    const bool moved = std::ranges::any_of(old.addresses, [](const Prefix& one) { return !one.address.is_v6(); });
    std::erase_if(settings.gateways, [&](const IpAddress& one) { return one.is_v6() || !moved; });
}

GuestSettings guest_settings(const Families& families, const Leases& leases, const MacAddress& mac) {
    GuestSettings out{.addresses = {}, .gateways = {}, .mac = mac};
    if (leases.ip) {
        out.addresses.push_back({*leases.ip, families.v4->address.length});
        out.gateways.push_back(families.v4->gateway);
    }
    if (leases.ip6) {
        out.addresses.push_back({*leases.ip6, families.v6->address.length});
        out.addresses.push_back(mac.link_local());
        out.gateways.push_back(families.v6->gateway);
    }
    return out;
}

Endpoint describe_endpoint(const Families& families, const Leases& leases, const MacAddress& mac,
                           const std::string& interface, const std::string& host_name) {
    Endpoint out{
        .ip = {}, .prefix_length = 0, .gateway = {}, .mac = mac, .interface = interface, .host_interface = host_name};
    if (leases.ip) {
        out.ip = *leases.ip;
        out.prefix_length = families.v4->address.length;
        out.gateway = families.v4->gateway;
    }
    if (leases.ip6) {
        out.ip6 = leases.ip6;
        out.prefix_length6 = families.v6->address.length;
        out.gateway6 = families.v6->gateway;
    }
    return out;
}

} // namespace hull::net
