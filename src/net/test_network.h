// For tests: network namespaces of their own, and TCP between them.
#pragma once

#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "net/address.h"
#include "sys/net_namespace.h"

namespace hull::net::test {

// The test runs in a network namespace of its own, so that the machine's
// network is untouched whatever happens. Needs root.
class PrivateNetwork : public ::testing::Test {
protected:
    PrivateNetwork() : home_(MUST(sys::new_net_namespace())), scope_(MUST(sys::NetNamespaceScope::enter(home_))) {}

    UniqueFd home_;
    sys::NetNamespaceScope scope_;
};

inline sockaddr_in to_sockaddr(const IpAddress& ip, uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(ip.to_v4());
    return out;
}

inline UniqueFd socket_in(BorrowedFd net_ns, int type) {
    const auto inside = MUST(sys::NetNamespaceScope::enter(net_ns));
    return UniqueFd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
}

inline UniqueFd listen_in(BorrowedFd net_ns, uint16_t port) {
    UniqueFd listener = socket_in(net_ns, SOCK_STREAM);
    const sockaddr_in any = to_sockaddr({}, port);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(listener.get(), 8), 0);
    return listener;
}

// What the listener sees as the peer's address; "" when no connection comes
// through within the time.
inline std::string peer_seen(BorrowedFd from_ns, const IpAddress& to, uint16_t port, BorrowedFd listener,
                             int timeout_ms = 3000) {
    const UniqueFd client = socket_in(from_ns, SOCK_STREAM);
    const timeval limit{timeout_ms / 1000, timeout_ms % 1000 * 1000};
    EXPECT_EQ(::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    const sockaddr_in address = to_sockaddr(to, port);
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "";
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const UniqueFd server(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    return server ? IpAddress::v4(ntohl(peer.sin_addr.s_addr)).str() : "";
}

} // namespace hull::net::test
