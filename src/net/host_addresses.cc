#include "net/host_addresses.h"

#include "net/link.h"
#include "sys/file.h"

namespace hull::net {

Result<std::vector<IpAddress>> host_addresses() {
    NetlinkSocket socket = TRY(open_route_socket());
    std::vector<IpAddress> out;
    for (const InterfaceAddress& one : TRY(list_addresses(socket))) out.push_back(one.prefix.address);
    return out;
}

Result<Prefix> choose_free_subnet(bool v6, std::span<const SubnetPool> pools, std::span<const Prefix> taken,
                                  const std::string& seed) {
    NetlinkSocket socket = TRY(open_route_socket());
    std::vector<Prefix> used = TRY(list_destinations(socket));
    for (const InterfaceAddress& address : TRY(list_addresses(socket))) used.push_back(address.prefix);
    used.insert(used.end(), taken.begin(), taken.end());
    // A unique local prefix stays the same on this machine, and differs on others.
    const auto machine = v6 ? sys::read_file("/etc/machine-id", 4096) : Result<std::string>(std::string());
    const auto chosen =
        v6 ? choose_subnet6(used, pools, (machine.ok() ? *machine : "") + seed) : choose_subnet(used, pools);
    if (chosen) return *chosen;
    return Error(ErrorKind::no_space, v6 ? "every default IPv6 subnet overlaps a route of this machine"
                                         : "every default subnet overlaps a route of this machine; give one");
}

} // namespace hull::net
