// The address families of a network, and what a guest has of each.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/address_pool.h"
#include "net/bridge.h"
#include "net/bridge_device.h"
#include "net/link.h"

namespace hull::net {

// The subnets of one family. Addresses come from the first that has free ones, or
// from the one that an address asked for lies in. Thread-safe after it was made.
class Family {
public:
    struct Pool {
        Prefix address; // the network's own
        IpAddress gateway;
        AddressPool pool;

        Pool(const Prefix& own, const IpAddress& way_out, const Prefix& range);
    };
    // At least one. Errors: invalid_argument (a range or gateway outside the subnet).
    static Result<std::unique_ptr<Family>> plan(std::span<const SubnetPlan> subnets);

    const Pool& first() const { return *pools_.front(); }
    const Pool& of(const IpAddress& ip) const; // first(), when it is in none
    std::vector<Network::Subnet> subnets() const;

    void reserve(const IpAddress& ip);
    // Errors: those of AddressPool.
    Result<IpAddress> lease(const std::string& owner);
    Result<void> lease(const IpAddress& ip, const std::string& owner);
    void release(const IpAddress& ip, const std::string& owner);
    void release_all(const std::string& owner);

private:
    std::vector<std::unique_ptr<Pool>> pools_;
};
using FamilyPtr = std::unique_ptr<Family>;

struct Families {
    FamilyPtr v4, v6; // null: the network has none of it
    std::vector<Prefix> subnets() const;
};

// Subnets of both families; reserved addresses are never given out.
Result<Families> plan_families(std::span<const SubnetPlan> subnets, std::span<const IpAddress> reserved);
// Of a bridge.
Result<Families> plan_addresses(const BridgeConfig& config, const BridgeDevice& device);

struct Leases {
    std::optional<IpAddress> ip, ip6;
};

MacAddress mac_for(const Leases& leases); // at least one is there
// With the link-local address that IPv6 needs.
GuestSettings guest_settings(const Families& families, const Leases& leases, const MacAddress& mac);
// Takes out of both what stays as it is.
void keep_differences(GuestSettings& old, GuestSettings& settings);
Endpoint describe_endpoint(const Families& families, const Leases& leases, const MacAddress& mac,
                           const std::string& interface, const std::string& host_name);

} // namespace hull::net
