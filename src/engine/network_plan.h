// From what was asked for to what net/ makes: options, pools, drivers. Looks at
// nothing but the request and this machine's addresses.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/network.h"
#include "net/address_pool.h"
#include "net/network.h"

namespace hull::engine {

struct NetworkDefaults {
    std::string owner;                                 // written on devices
    std::vector<net::SubnetPool> address_pools;        // empty: Docker's
    std::map<std::string, std::string> bridge_options; // of new networks that don't say otherwise
    bool ip6tables = true;                             // firewall rules for IPv6, too
    std::string host_ip;                               // of ports published on the default bridge; empty: every one
};

constexpr const char* kBridgeOptions = "com.docker.network.bridge.";

// The driver's name as it is kept. Errors have Docker's texts: not_found, forbidden,
// unavailable.
Result<std::string> check_driver(const model::NetworkRequest& request);
// Lists and rates among the options. Errors: invalid_argument, unsupported.
Result<void> check_limits(const std::map<std::string, std::string>& options, const std::string& driver);
// What can't be honoured is refused, before anything is made. Errors: invalid_argument,
// unsupported, forbidden.
Result<void> check_request(const model::NetworkRequest& request, const std::string& driver);
// One that is only settings, or has them from another one. Errors: forbidden.
Result<void> check_configuration(const model::NetworkRequest& request);

bool is_ipv6(const model::IpamPool& pool);
// The device, from driver, options and id.
std::string device_of(const model::NetworkRecord& record);
// Nothing leads out of it.
bool is_isolated(const model::NetworkRecord& record);
// Those in use, as the record has them; none where nobody said.
std::vector<net::SubnetPlan> subnets_of(const model::NetworkRecord& record);
// Makes it, or takes over what is there. taken: subnets of others.
Result<std::unique_ptr<net::Network>> make_network(const model::NetworkRecord& record, const NetworkDefaults& defaults,
                                                   const std::vector<net::Prefix>& taken);

} // namespace hull::engine
