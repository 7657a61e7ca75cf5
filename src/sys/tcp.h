// TCP connections and listeners, for engines that are reached by host and port.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Tries the addresses of host one after the other. Errors: not_found when the
// name is unknown, else those of connect(2), kind unavailable.
Result<UniqueFd> connect_tcp(const std::string& host, const std::string& port);

// Listening sockets on every address of host (empty: all addresses), none of
// them blocking. Errors: not_found, conflict (the port is taken).
Result<std::vector<UniqueFd>> listen_tcp(const std::string& host, const std::string& port, int backlog = 128);

// Whether the socket belongs to a network, not to this machine's file system.
bool is_network_socket(BorrowedFd socket);
// No waiting for more to send.
void send_at_once(BorrowedFd socket);

} // namespace hull::sys
