// Between this folder's addresses and those of sockets.
#pragma once

#include <algorithm>

#include "net/address.h"
#include "sys/inet_socket.h"

namespace hull::net {

inline sys::InetAddress to_inet(const IpAddress& ip, uint16_t port) {
    sys::InetAddress out;
    out.v6 = ip.is_v6();
    out.port = port;
    std::ranges::copy(ip.bytes(), out.bytes.begin());
    return out;
}

} // namespace hull::net
