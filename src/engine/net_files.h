// The texts of a container's hostname, hosts and resolv.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::engine {

struct HostEntry {
    std::string name, address;
};
// "name:address", also "name=address"; host-gateway stands for each of gateways. Errors:
// invalid_argument in Docker's words.
Result<std::vector<HostEntry>> parse_extra_hosts(const model::StringList& texts,
                                                 const std::vector<std::string>& gateways);

// addresses: the container's own, a line for each.
std::string make_hosts(const std::vector<HostEntry>& extra, const std::string& hostname, const std::string& domainname,
                       const std::vector<std::string>& addresses);

struct DnsSettings {
    std::vector<std::string> servers, search, options; // empty: the host's
};
enum class Resolvers : unsigned char {
    reachable, // only servers that a network namespace of its own reaches
    all,       // the host's network: everything goes
};
// host_text: the host's resolv.conf. Without a server left, public ones are
// named, as Docker does.
std::string make_resolv_conf(std::string_view host_text, const DnsSettings& asked, Resolvers resolvers);
// The servers of a resolv.conf.
std::vector<std::string> name_servers(std::string_view text);
// All servers are local to the host (a stub such as systemd-resolved).
bool only_loopback_servers(std::string_view host_text);

} // namespace hull::engine
