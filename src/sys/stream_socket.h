// Connected stream sockets: reads and writes that never raise SIGPIPE, with or
// without waiting. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Bytes that are there already, without waiting; 0 is the peer's end, by reset too,
// nullopt that nothing is there yet.
Result<std::optional<size_t>> receive_now(BorrowedFd socket, std::span<char> into);
// Waits for bytes until the deadline (CLOCK_MONOTONIC ns, 0 for ever); 0 is the
// peer's end of file. Errors: timed_out; cancelled with code() ECONNRESET when the
// peer is gone and, on a unix socket, didn't read all that we sent.
Result<size_t> receive(BorrowedFd socket, std::span<char> into, int64_t deadline_ns = 0);
// All parts, in order, in as few system calls as the kernel allows; waits while
// the peer doesn't read. Errors: cancelled when the peer is gone.
Result<void> send_all(BorrowedFd socket, std::span<const std::string_view> parts);

// What there is room for, without waiting: bytes sent, 0 when there is none now.
// Errors: cancelled when the peer is gone.
Result<size_t> send_now(BorrowedFd socket, std::string_view data);

// Waits until the peer has taken all that was sent (unix sockets: read it), or
// patience_us microseconds passed.
void await_taken(BorrowedFd socket, int patience_us);

// One waiting connection of a listener, close-on-exec and blocking; nullopt when
// none waits. The listener must not block.
Result<std::optional<UniqueFd>> accept_now(BorrowedFd listener);

Result<void> set_nonblocking(BorrowedFd fd);
// Ends both directions, which wakes every thread that waits on the socket.
void shut_down(BorrowedFd socket);
// Ends our direction: the peer reads the end of file.
void shut_down_writes(BorrowedFd socket);

} // namespace hull::sys
