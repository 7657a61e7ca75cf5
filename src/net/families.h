// The address families of a network, and what a guest has of each.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/address_pool.h"
#include "net/bridge.h"
#include "net/bridge_device.h"
#include "net/link.h"

namespace hull::net {

struct Family {
    Prefix address; // the bridge's own
    IpAddress gateway;
    AddressPool pool;

    Family(const Prefix& own, const IpAddress& way_out, const Prefix& range);
};
using FamilyPtr = std::unique_ptr<Family>;

struct Families {
    FamilyPtr v4, v6; // null: the network has none of it
    std::vector<Prefix> subnets() const;
};

// Errors: invalid_argument (a range or gateway outside the subnet).
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
