// TCP, UDP and SCTP sockets by address, non-blocking, close-on-exec. Each works
// in the network namespace of the thread that made it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

struct InetAddress {
    bool v6 = false;
    std::array<uint8_t, 16> bytes{}; // network order; the first four of IPv4
    uint16_t port = 0;
};

// Bound, and listening unless it is UDP. protocol: IPPROTO_*. IPv6 sockets take
// IPv6 only. Port 0: any. Errors carry the errno of bind(2): EADDRINUSE, ...
Result<UniqueFd> bind_inet(uint8_t protocol, const InetAddress& address);
Result<InetAddress> local_address(BorrowedFd socket);
// Begun; writable when it is made or failed (connect_error).
Result<UniqueFd> connect_inet(uint8_t protocol, const InetAddress& address);
Result<void> connect_error(BorrowedFd socket);

// nullopt: nobody waits any more.
Result<std::optional<UniqueFd>> accept_inet(BorrowedFd listener);
struct Datagram {
    size_t size = 0;
    InetAddress from;
};
Result<std::optional<Datagram>> receive_from(BorrowedFd socket, std::span<char> into); // nullopt: none
Result<void> send_to(BorrowedFd socket, std::string_view data, const InetAddress& to);

// nullopt: would block; 0: the end.
Result<std::optional<size_t>> receive_some(BorrowedFd socket, std::span<char> into);
Result<std::optional<size_t>> send_some(BorrowedFd socket, std::string_view data); // no SIGPIPE
void finish_sending(BorrowedFd socket);                                            // shutdown(SHUT_WR)
// poll(2) for one descriptor; false: timed out. events: POLLIN or POLLOUT.
Result<bool> wait_for(BorrowedFd fd, short events, int timeout_ms);

} // namespace hull::sys
