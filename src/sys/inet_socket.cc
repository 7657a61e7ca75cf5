#include "sys/inet_socket.h"

#include <cstring>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "sys/retry.h"

namespace hull::sys {
namespace {

constexpr int kBacklog = 1024;

struct RawAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

RawAddress to_raw(const InetAddress& address) {
    RawAddress raw;
    if (address.v6) {
        auto* in = reinterpret_cast<sockaddr_in6*>(&raw.storage);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(address.port);
        std::memcpy(&in->sin6_addr, address.bytes.data(), 16);
        raw.length = sizeof(sockaddr_in6);
    } else {
        auto* in = reinterpret_cast<sockaddr_in*>(&raw.storage);
        in->sin_family = AF_INET;
        in->sin_port = htons(address.port);
        std::memcpy(&in->sin_addr, address.bytes.data(), 4);
        raw.length = sizeof(sockaddr_in);
    }
    return raw;
}

InetAddress from_raw(const RawAddress& raw) {
    InetAddress address;
    if (raw.storage.ss_family == AF_INET6) {
        const auto* in = reinterpret_cast<const sockaddr_in6*>(&raw.storage);
        address.v6 = true;
        address.port = ntohs(in->sin6_port);
        std::memcpy(address.bytes.data(), &in->sin6_addr, 16);
    } else {
        const auto* in = reinterpret_cast<const sockaddr_in*>(&raw.storage);
        address.port = ntohs(in->sin_port);
        std::memcpy(address.bytes.data(), &in->sin_addr, 4);
    }
    return address;
}

Result<UniqueFd> new_socket(uint8_t protocol, bool v6) {
    int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    UniqueFd fd(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!fd) return Error::from_errno("socket");
    return fd;
}

} // namespace

Result<UniqueFd> bind_inet(uint8_t protocol, const InetAddress& address) {
    UniqueFd fd = TRY(new_socket(protocol, address.v6));
    const int on = 1;
    if (address.v6) (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // Connections of an earlier listener that are being closed are no obstacle.
    if (protocol == IPPROTO_TCP) (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    RawAddress raw = to_raw(address);
    if (::bind(fd.get(), raw.get(), raw.length) != 0) return Error::from_errno("bind");
    if (protocol != IPPROTO_UDP && ::listen(fd.get(), kBacklog) != 0) return Error::from_errno("listen");
    return fd;
}

Result<InetAddress> local_address(BorrowedFd socket) {
    RawAddress raw;
    if (::getsockname(socket.get(), raw.get(), &raw.length) != 0) return Error::from_errno("getsockname");
    return from_raw(raw);
}

Result<UniqueFd> connect_inet(uint8_t protocol, const InetAddress& address) {
    UniqueFd fd = TRY(new_socket(protocol, address.v6));
    RawAddress raw = to_raw(address);
    if (::connect(fd.get(), raw.get(), raw.length) != 0 && errno != EINPROGRESS) return Error::from_errno("connect");
    return fd;
}

Result<void> connect_error(BorrowedFd socket) {
    int code = 0;
    socklen_t length = sizeof code;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &length) != 0) return Error::from_errno("getsockopt");
    if (code != 0) return Error::from_errno("connect", "", code);
    return {};
}

Result<std::optional<UniqueFd>> accept_inet(BorrowedFd listener) {
    UniqueFd fd(static_cast<int>(
        retry([&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); })));
    if (fd) return std::optional(std::move(fd));
    if (errno == EAGAIN || errno == ECONNABORTED) return std::optional<UniqueFd>();
    return Error::from_errno("accept4");
}

Result<std::optional<Datagram>> receive_from(BorrowedFd socket, std::span<char> into) {
    RawAddress raw;
    auto got = retry([&] { return ::recvfrom(socket.get(), into.data(), into.size(), 0, raw.get(), &raw.length); });
    if (got >= 0) return std::optional(Datagram{static_cast<size_t>(got), from_raw(raw)});
    if (errno == EAGAIN) return std::optional<Datagram>();
    return Error::from_errno("recvfrom");
}

Result<void> send_to(BorrowedFd socket, std::string_view data, const InetAddress& to) {
    RawAddress raw = to_raw(to);
    auto sent =
        retry([&] { return ::sendto(socket.get(), data.data(), data.size(), MSG_NOSIGNAL, raw.get(), raw.length); });
    if (sent < 0) return Error::from_errno("sendto");
    return {};
}

Result<std::optional<size_t>> receive_some(BorrowedFd socket, std::span<char> into) {
    auto got = retry([&] { return ::recv(socket.get(), into.data(), into.size(), 0); });
    if (got >= 0) return std::optional(static_cast<size_t>(got));
    if (errno == EAGAIN) return std::optional<size_t>();
    return Error::from_errno("recv");
}

Result<std::optional<size_t>> send_some(BorrowedFd socket, std::string_view data) {
    auto sent = retry([&] { return ::send(socket.get(), data.data(), data.size(), MSG_NOSIGNAL); });
    if (sent >= 0) return std::optional(static_cast<size_t>(sent));
    if (errno == EAGAIN) return std::optional<size_t>();
    return Error::from_errno("send");
}

void finish_sending(BorrowedFd socket) { (void)::shutdown(socket.get(), SHUT_WR); }

Result<bool> wait_for(BorrowedFd fd, short events, int timeout_ms) {
    pollfd one{.fd = fd.get(), .events = events, .revents = 0};
    auto got = retry([&] { return ::poll(&one, 1, timeout_ms); });
    if (got < 0) return Error::from_errno("poll");
    return got > 0;
}

} // namespace hull::sys
