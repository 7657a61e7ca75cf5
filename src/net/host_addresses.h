// What this machine's network has already.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/address_pool.h"

namespace hull::net {

Result<std::vector<IpAddress>> host_addresses();

// A subnet that no address or route of this machine overlaps, nor one of taken; its
// address is the first host's. seed: as with choose_subnet6. Errors: no_space.
Result<Prefix> choose_free_subnet(bool v6, std::span<const SubnetPool> pools, std::span<const Prefix> taken,
                                  const std::string& seed);

} // namespace hull::net
