#include "net/guest_namespace.h"

#include <cerrno>
#include <string_view>
#include <utility>

#include "net/link.h"
#include "sys/file.h"
#include "sys/net_namespace.h"

namespace hull::net {
namespace {

// For the namespace of this thread: an address of IPv6 may be added, it is
// announced when the MAC changes, and nobody on the network adds others.
Result<void> allow_ipv6_inside(const std::string& interface) {
    constexpr std::pair<const char*, std::string_view> k_settings[] = {
        {"disable_ipv6", "0"},
        {"ndisc_notify", "1"},
        {"accept_ra", "0"},
    };
    for (const auto& [name, value] : k_settings) {
        auto done = sys::write_existing("/proc/sys/net/ipv6/conf/" + interface + "/" + name, value);
        if (!done.ok() && done.error().code() == ENOENT)
            return Error(ErrorKind::unsupported, "IPv6 is switched off in this kernel");
        TRY(std::move(done));
    }
    return {};
}

} // namespace

Result<NetlinkSocket> open_guest_socket(BorrowedFd net_ns, const std::string& ipv6_interface) {
    const auto inside = TRY(sys::NetNamespaceScope::enter(net_ns));
    if (!ipv6_interface.empty()) TRY(allow_ipv6_inside(ipv6_interface));
    return open_route_socket();
}

Result<NetlinkSocket> open_fresh_guest_socket(BorrowedFd net_ns, const std::string& ipv6_interface) {
    const auto inside = TRY(sys::NetNamespaceScope::enter(net_ns));
    if (!ipv6_interface.empty()) TRY(allow_ipv6_inside(ipv6_interface));
    // /proc/sys/net shows the namespace of the thread that looks.
    constexpr std::pair<const char*, std::string_view> k_settings[] = {
        {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
        {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
    };
    for (const auto& [path, value] : k_settings)
        if (auto done = sys::write_existing(path, value); !done.ok() && done.error().code() != ENOENT)
            return std::move(done).error();
    return open_route_socket();
}

} // namespace hull::net
