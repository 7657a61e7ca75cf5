// A network as the engine keeps it (docs/formats/network-record.md), and the
// bodies of the API's requests about networks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/container.h"

namespace hull::model {

struct IpamPool {
    std::string subnet, ip_range, gateway;
    std::map<std::string, std::string> aux_addresses;
};
struct IpamSettings {
    std::string driver;
    std::optional<std::map<std::string, std::string>> options; // nullopt: nothing was said of them
    std::vector<IpamPool> config;
};

struct NetworkRecord {
    std::string id, name, driver = "bridge", scope = "local";
    WallTime created;
    bool internal = false, attachable = false, enable_ipv4 = true, enable_ipv6 = false;
    IpamSettings ipam;
    std::map<std::string, std::string> options;
    Labels labels;
    std::string bridge; // the device that carries it; not shown
    bool config_only = false;
    std::string config_from; // the name of the one that it has its settings from
};

std::string print_network_record(const NetworkRecord& record);
Result<NetworkRecord> parse_network_record(std::string_view json); // corrupt

struct NetworkRequest { // POST /networks/create
    std::string name, driver, scope;
    bool check_duplicate = false, internal = false, attachable = false, ingress = false, config_only = false,
         enable_ipv6 = false;
    std::optional<bool> enable_ipv4;
    std::string config_from;
    IpamSettings ipam;
    std::map<std::string, std::string> options;
    Labels labels;
};
Result<NetworkRequest> parse_network_request(std::string_view json);

struct NetworkConnectRequest { // POST /networks/x/connect and disconnect
    std::string container;
    EndpointSettings endpoint;
    bool force = false;
};
Result<NetworkConnectRequest> parse_network_connect(std::string_view json);

} // namespace hull::model
