// The addresses of one subnet and who has them. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace hull::net {

class AddressPool {
public:
    // Gives out addresses of range, a part of subnet (or all of it), except
    // those reserved, the network's own and the broadcast address.
    AddressPool(const Prefix& subnet, const Prefix& range);

    void reserve(const IpAddress& ip); // never given out (the bridge, the gateway)

    // The lowest free address. Errors: no_space.
    Result<IpAddress> lease(const std::string& owner);
    // This address. Errors: conflict (in use), invalid_argument (not of the
    // subnet, or its network or broadcast address).
    Result<void> lease(const IpAddress& ip, const std::string& owner);
    // Only if owner has it; else nothing happens.
    void release(const IpAddress& ip, const std::string& owner);
    void release_all(const std::string& owner);

    // More than three quarters are free: addresses can be held in advance.
    bool roomy() const;
    size_t leased() const;

private:
    bool usable(const IpAddress& ip) const;
    void free(const IpAddress& ip);

    const Prefix subnet_, range_;
    mutable std::mutex mutex_;
    std::map<IpAddress, std::string> leases_; // the owner is empty for a reserved address
    std::multimap<std::string, IpAddress> by_owner_;
    IpAddress lowest_; // no address of the range below this is free
};

// A network that is cut into subnets of this prefix length.
struct SubnetPool {
    Prefix base;
    uint8_t size = 24; // at least base.length
};

// The first subnet of the pools (none: Docker's, 172.17.0.0/16 to 172.31.0.0/16,
// then 192.168.0.0/20 to 192.168.240.0/20) that overlaps none of used; the
// result's address is the first host's (x.x.0.1). nullopt: all are taken.
// SubnetPools of IPv6 are passed over.
std::optional<Prefix> choose_subnet(std::span<const Prefix> used, std::span<const SubnetPool> pools = {});

// The same for IPv6: of the pools' IPv6 ones; without any, of the unique local
// prefix (RFC 4193) that seed leads to, in networks of /64. The address ends in 1.
std::optional<Prefix> choose_subnet6(std::span<const Prefix> used, std::span<const SubnetPool> pools,
                                     std::string_view seed);

// The address after this one; the last one is followed by itself.
IpAddress next_address(const IpAddress& ip);

} // namespace hull::net
