#include "sys/stream_socket.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "sys/retry.h"
#include "sys/sleep.h"

namespace hull::sys {

namespace {

bool peer_is_gone(int code) { return code == EPIPE || code == ECONNRESET; }

Error send_error() {
    int code = errno;
    Error error = Error::from_errno("sendmsg", code);
    if (peer_is_gone(code)) return std::move(error).with_kind(ErrorKind::cancelled);
    return error;
}

// Poll takes milliseconds; round up so that the deadline has passed afterwards.
int poll_timeout(int64_t deadline_ns) {
    if (deadline_ns == 0) return -1;
    int64_t left = deadline_ns - monotonic_ns();
    if (left <= 0) return 0;
    return static_cast<int>(std::min<int64_t>((left + 999'999) / 1'000'000, 1 << 30));
}

} // namespace

namespace {

Result<std::optional<size_t>> try_receive(BorrowedFd socket, std::span<char> into) {
    ssize_t n = retry([&] { return ::recv(socket.get(), into.data(), into.size(), MSG_DONTWAIT); });
    if (n >= 0) return std::optional<size_t>(static_cast<size_t>(n));
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<size_t>();
    if (errno == ECONNRESET) return Error::from_errno("recv").with_kind(ErrorKind::cancelled);
    return Error::from_errno("recv");
}

} // namespace

Result<std::optional<size_t>> receive_now(BorrowedFd socket, std::span<char> into) {
    auto n = try_receive(socket, into);
    if (!n.ok() && n.error().kind() == ErrorKind::cancelled) return std::optional<size_t>(0);
    return n;
}

Result<size_t> receive(BorrowedFd socket, std::span<char> into, int64_t deadline_ns) {
    for (;;) {
        std::optional<size_t> n = TRY(try_receive(socket, into));
        if (n) return *n;
        pollfd p{socket.get(), POLLIN, 0};
        int ready = retry([&] { return ::poll(&p, 1, poll_timeout(deadline_ns)); });
        if (ready < 0) return Error::from_errno("poll");
        if (ready == 0) return Error(ErrorKind::timed_out, "the other side sent nothing in time");
    }
}

Result<void> send_all(BorrowedFd socket, std::span<const std::string_view> parts) {
    std::array<iovec, 8> io{};
    size_t count = 0;
    for (std::string_view part : parts) {
        if (part.empty()) continue;
        if (count == io.size()) return Error(ErrorKind::internal, "send: more than 8 parts");
        io[count++] = {const_cast<char*>(part.data()), part.size()};
    }
    size_t first = 0;
    while (first < count) {
        msghdr header{};
        header.msg_iov = &io[first];
        header.msg_iovlen = count - first;
        ssize_t n = retry([&] { return ::sendmsg(socket.get(), &header, MSG_NOSIGNAL); });
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            pollfd p{socket.get(), POLLOUT, 0};
            if (retry([&] { return ::poll(&p, 1, -1); }) < 0) return Error::from_errno("poll");
            continue;
        }
        if (n < 0) return send_error();
        auto sent = static_cast<size_t>(n);
        while (first < count && sent >= io[first].iov_len) sent -= io[first++].iov_len;
        if (first < count) {
            io[first].iov_base = static_cast<char*>(io[first].iov_base) + sent;
            io[first].iov_len -= sent;
        }
    }
    return {};
}

Result<size_t> send_now(BorrowedFd socket, std::string_view data) {
    ssize_t n = retry([&] { return ::send(socket.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT); });
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return size_t{0};
    if (n < 0) return send_error();
    return static_cast<size_t>(n);
}

void await_taken(BorrowedFd socket, int patience_us) {
    for (int step = 20; patience_us > 0; patience_us -= step, step = std::min(step * 2, 1000)) {
        int waiting = 0;
        if (::ioctl(socket.get(), SIOCOUTQ, &waiting) != 0 || waiting == 0) return;
        sleep_us(step);
    }
}

Result<std::optional<UniqueFd>> accept_now(BorrowedFd listener) {
    int fd = retry([&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC); });
    if (fd >= 0) return std::optional<UniqueFd>(UniqueFd(fd));
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED) return std::optional<UniqueFd>();
    return Error::from_errno("accept");
}

Result<void> set_nonblocking(BorrowedFd fd) {
    int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return Error::from_errno("fcntl");
    return {};
}

void shut_down(BorrowedFd socket) { ::shutdown(socket.get(), SHUT_RDWR); }
void shut_down_writes(BorrowedFd socket) { ::shutdown(socket.get(), SHUT_WR); }

} // namespace hull::sys
