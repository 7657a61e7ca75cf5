#include "net/families.h"

#include <algorithm>

namespace hull::net {
Family::Pool::Pool(const Prefix& own, const IpAddress& way_out, const Prefix& range)
    : address(own), gateway(way_out), pool(own.network(), range) {
    pool.reserve(own.address);
    pool.reserve(way_out);
}

Result<FamilyPtr> Family::plan(std::span<const SubnetPlan> subnets) {
    auto family = std::make_unique<Family>();
    for (const SubnetPlan& plan : subnets) {
        const Prefix subnet = plan.address.network();
        const Prefix range = plan.range ? plan.range->network() : subnet;
        if (range.length < subnet.length || !subnet.contains(range.address))
            return Error(ErrorKind::invalid_argument,
                         "fixed-cidr " + plan.range->str() + " is not a part of the subnet " + subnet.str());
        const IpAddress gateway = plan.gateway.value_or(plan.address.address);
        if (!subnet.contains(gateway))
            return Error(ErrorKind::invalid_argument,
                         "default gateway " + gateway.str() + " is not in the subnet " + subnet.str());
        family->pools_.push_back(std::make_unique<Pool>(plan.address, gateway, range));
    }
    return family;
}

const Family::Pool& Family::of(const IpAddress& ip) const {
    for (const auto& one : pools_)
        if (one->address.network().contains(ip)) return *one;
    return first();
}

std::vector<Network::Subnet> Family::subnets() const {
    std::vector<Network::Subnet> out;
    for (const auto& one : pools_) out.push_back({one->address.network(), one->gateway});
    return out;
}

void Family::reserve(const IpAddress& ip) {
    for (const auto& one : pools_)
        if (one->address.network().contains(ip)) one->pool.reserve(ip);
}

Result<IpAddress> Family::lease(const std::string& owner) {
    for (size_t i = 0;; ++i) {
        auto leased = pools_[i]->pool.lease(owner);
        if (leased.ok() || leased.error().kind() != ErrorKind::no_space || i + 1 == pools_.size()) return leased;
    }
}

Result<void> Family::lease(const IpAddress& ip, const std::string& owner) {
    for (const auto& one : pools_)
        if (one->address.network().contains(ip)) return one->pool.lease(ip, owner);
    return pools_.front()->pool.lease(ip, owner); // says that it isn't there
}

void Family::release(const IpAddress& ip, const std::string& owner) {
    for (const auto& one : pools_) one->pool.release(ip, owner);
}

void Family::release_all(const std::string& owner) {
    for (const auto& one : pools_) one->pool.release_all(owner);
}

std::vector<Prefix> Families::subnets() const {
    std::vector<Prefix> out;
    for (const FamilyPtr* family : {&v4, &v6})
        if (*family)
            for (const Network::Subnet& one : (*family)->subnets()) out.push_back(one.subnet);
    return out;
}

Result<Families> plan_families(std::span<const SubnetPlan> subnets, std::span<const IpAddress> reserved) {
    std::vector<SubnetPlan> v4, v6;
    for (const SubnetPlan& one : subnets) (one.address.address.is_v6() ? v6 : v4).push_back(one);
    Families out;
    if (!v4.empty()) out.v4 = TRY(Family::plan(v4));
    if (!v6.empty()) out.v6 = TRY(Family::plan(v6));
    for (const IpAddress& ip : reserved)
        if (const FamilyPtr& one = ip.is_v6() ? out.v6 : out.v4) one->reserve(ip);
    return out;
}

Result<Families> plan_addresses(const BridgeConfig& config, const BridgeDevice& device) {
    std::vector<SubnetPlan> all;
    if (device.address) all.push_back({*device.address, config.fixed_cidr, config.gateway});
    if (device.address6) all.push_back({*device.address6, config.fixed_cidr6, config.gateway6});
    all.insert(all.end(), config.more.begin(), config.more.end());
    return plan_families(all, config.reserved);
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
        const Family::Pool& pool = families.v4->of(*leases.ip);
        out.addresses.push_back({*leases.ip, pool.address.length});
        out.gateways.push_back(pool.gateway);
    }
    if (leases.ip6) {
        const Family::Pool& pool = families.v6->of(*leases.ip6);
        out.addresses.push_back({*leases.ip6, pool.address.length});
        out.addresses.push_back(mac.link_local());
        out.gateways.push_back(pool.gateway);
    }
    return out;
}

Endpoint describe_endpoint(const Families& families, const Leases& leases, const MacAddress& mac,
                           const std::string& interface, const std::string& host_name) {
    Endpoint out{
        .ip = {}, .prefix_length = 0, .gateway = {}, .mac = mac, .interface = interface, .host_interface = host_name};
    if (leases.ip) {
        out.ip = *leases.ip;
        out.prefix_length = families.v4->of(out.ip).address.length;
        out.gateway = families.v4->of(out.ip).gateway;
    }
    if (leases.ip6) {
        out.ip6 = leases.ip6;
        out.prefix_length6 = families.v6->of(*out.ip6).address.length;
        out.gateway6 = families.v6->of(*out.ip6).gateway;
    }
    return out;
}

} // namespace hull::net
