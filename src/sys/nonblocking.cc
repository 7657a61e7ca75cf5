#include "sys/nonblocking.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/retry.h"

namespace hull::sys {

Result<void> make_nonblocking(BorrowedFd fd) {
    int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0) return Error::from_errno("fcntl");
    if (!(flags & O_NONBLOCK) && ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return Error::from_errno("fcntl");
    return {};
}

Result<std::optional<size_t>> read_now(BorrowedFd fd, std::span<char> into) {
    ssize_t n = retry([&] { return ::read(fd.get(), into.data(), into.size()); });
    if (n >= 0) return std::optional<size_t>(static_cast<size_t>(n));
    if (errno == EAGAIN) return std::optional<size_t>();
    if (errno == EIO) return std::optional<size_t>(0); // a terminal's way of saying that it was hung up
    return Error::from_errno("read");
}

Result<size_t> write_now(BorrowedFd fd, std::span<const iovec> parts) {
    ssize_t n = retry([&] { return ::writev(fd.get(), parts.data(), static_cast<int>(parts.size())); });
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN) return size_t{0};
    return Error::from_errno("writev");
}

Result<std::pair<UniqueFd, UniqueFd>> make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return Error::from_errno("pipe2");
    return std::pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void grow_pipe(BorrowedFd pipe, int bytes) { ::fcntl(pipe.get(), F_SETPIPE_SZ, bytes); }

void grow_send_buffer(BorrowedFd socket, int bytes) {
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void end_politely(BorrowedFd socket) {
    ::shutdown(socket.get(), SHUT_WR);
    char unread[4096];
    for (int rounds = 0; rounds < 256; ++rounds)
        if (::recv(socket.get(), unread, sizeof unread, MSG_DONTWAIT) <= 0) break;
}

Result<void> set_close_on_exec(BorrowedFd fd, bool close) {
    if (::fcntl(fd.get(), F_SETFD, close ? FD_CLOEXEC : 0) != 0) return Error::from_errno("fcntl");
    return {};
}

Result<UniqueFd> duplicate(BorrowedFd fd) {
    UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
    if (!copy) return Error::from_errno("fcntl");
    return copy;
}

Result<UniqueFd> make_memfd(const char* name, std::string_view content) {
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
    if (!fd) return Error::from_errno("memfd_create");
    TRY(write_all(fd, content));
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) return Error::from_errno("lseek");
    return fd;
}

Result<std::string> read_memfd(BorrowedFd fd, size_t limit) {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return Error::from_errno("fstat");
    auto size = static_cast<size_t>(status.st_size);
    if (size > limit) return Error(ErrorKind::too_large, "read memfd: " + std::to_string(size) + " bytes");
    std::string content(size, '\0');
    size_t at = 0;
    while (at < size) {
        ssize_t n = retry([&] { return ::pread(fd.get(), content.data() + at, size - at, static_cast<off_t>(at)); });
        if (n < 0) return Error::from_errno("pread");
        if (n == 0) return Error(ErrorKind::corrupt, "read memfd: it became shorter");
        at += static_cast<size_t>(n);
    }
    return content;
}

Result<void> set_terminal_size(BorrowedFd terminal, unsigned short rows, unsigned short columns) {
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    if (::ioctl(terminal.get(), TIOCSWINSZ, &size) != 0) return Error::from_errno("ioctl", "TIOCSWINSZ");
    return {};
}

} // namespace hull::sys
