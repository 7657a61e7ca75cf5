// Reads and writes that never wait, on pipes, terminals and sockets; and the
// settings that go with them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Makes the open file (not only this descriptor) non-blocking.
Result<void> make_nonblocking(BorrowedFd fd);

// Bytes read; 0: end of file (a terminal whose other side is closed too);
// nullopt: nothing there now.
Result<std::optional<size_t>> read_now(BorrowedFd fd, std::span<char> into);
// Bytes written of all parts together; 0: no room now. The process must ignore
// SIGPIPE. Errors: code() EPIPE when nobody reads any more.
Result<size_t> write_now(BorrowedFd fd, std::span<const iovec> parts);

// {read end, write end}, both blocking.
Result<std::pair<UniqueFd, UniqueFd>> make_pipe();
// As far as the kernel allows; no error when it doesn't.
void grow_pipe(BorrowedFd pipe, int bytes);
void grow_send_buffer(BorrowedFd socket, int bytes);

// The peer reads the end; what it sent and nobody will read is thrown away, so
// that closing the socket is no reset that overtakes our last bytes.
void end_politely(BorrowedFd socket);

// Lets the descriptor live through exec, or no more.
Result<void> set_close_on_exec(BorrowedFd fd, bool close);
Result<UniqueFd> duplicate(BorrowedFd fd);
// An anonymous file with this content, positioned at its start.
Result<UniqueFd> make_memfd(const char* name, std::string_view content);
// All of it, from the start, whatever its position is.
Result<std::string> read_memfd(BorrowedFd fd, size_t limit);

Result<void> set_terminal_size(BorrowedFd terminal, unsigned short rows, unsigned short columns);

} // namespace hull::sys
