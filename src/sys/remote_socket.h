// Sockets to servers of this machine or another one that take what we tell
// them: log collectors. Every wait has a limit, so that a server that hangs
// holds nobody for longer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

enum class Remote : unsigned char { tcp, udp, unix_stream, unix_datagram };

// host: a name or an address, or for unix sockets the path; port: "" for those.
// timeout_ms also limits each later send and receive. Errors: not_found when the
// name is unknown, else those of connect(2), kind unavailable, worded as Go's
// programs do ("dial tcp 127.0.0.1:24224: connect: connection refused").
Result<UniqueFd> connect_remote(Remote kind, const std::string& host, const std::string& port, int timeout_ms);

// All of a stream's bytes, or one datagram. Errors: timed_out, cancelled (the
// peer is gone), too_large (a datagram that the socket can't take).
Result<void> send_remote(BorrowedFd socket, std::string_view data);
// At least one byte; 0 at the end. Errors: timed_out.
Result<size_t> receive_remote(BorrowedFd socket, std::span<char> into);

} // namespace hull::sys
