#include "sys/remote_socket.h"

#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "sys/retry.h"

namespace hull::sys {

namespace {

Error dial_error(const std::string& what, int code) {
    // Docker's users know Go's words: "connect: connection refused".
    std::string reason = std::strerror(code);
    if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
    if (code == EINPROGRESS || code == EAGAIN) reason = "i/o timeout";
    return Error(ErrorKind::unavailable, "dial " + what + ": connect: " + reason).with_code(code);
}

void limit_waits(BorrowedFd socket, int timeout_ms) {
    timeval limit{.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

Result<UniqueFd> dial_unix(const std::string& path, int type, const char* network, int timeout_ms) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string what = std::string(network) + " " + path;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error(ErrorKind::invalid_argument, "dial " + what + ": not a path of a socket");
    path.copy(address.sun_path, path.size());
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!fd) return Error::from_errno("socket");
    limit_waits(fd, timeout_ms);
    auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (retry([&] { return ::connect(fd.get(), generic, sizeof address); }) < 0) return dial_error(what, errno);
    return fd;
}

Result<UniqueFd> dial_inet(int type, const char* network, const std::string& host, const std::string& port,
                           int timeout_ms) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = type;
    addrinfo* found = nullptr;
    std::string what = std::string(network) + " " + host + ":" + port;
    int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (code != 0) return Error(ErrorKind::not_found, "dial " + what + ": lookup " + host + ": " + gai_strerror(code));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    int last = ECONNREFUSED;
    for (const addrinfo* a = found; a; a = a->ai_next) {
        UniqueFd fd(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
        if (fd) limit_waits(fd, timeout_ms);
        if (!fd || retry([&] { return ::connect(fd.get(), a->ai_addr, a->ai_addrlen); }) < 0) {
            last = errno;
            continue;
        }
        return fd;
    }
    return dial_error(what, last);
}

} // namespace

Result<UniqueFd> connect_remote(Remote kind, const std::string& host, const std::string& port, int timeout_ms) {
    switch (kind) {
    case Remote::tcp: return dial_inet(SOCK_STREAM, "tcp", host, port, timeout_ms);
    case Remote::udp: return dial_inet(SOCK_DGRAM, "udp", host, port, timeout_ms);
    case Remote::unix_stream: return dial_unix(host, SOCK_STREAM, "unix", timeout_ms);
    case Remote::unix_datagram: return dial_unix(host, SOCK_DGRAM, "unixgram", timeout_ms);
    }
    return Error(ErrorKind::internal, "connect: no such kind of socket");
}

Result<void> send_remote(BorrowedFd socket, std::string_view data) {
    do {
        ssize_t n = retry([&] { return ::send(socket.get(), data.data(), data.size(), MSG_NOSIGNAL); });
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
            return Error(ErrorKind::timed_out, "send: the other side does not read");
        if (n < 0 && errno == EMSGSIZE) return Error::from_errno("send").with_kind(ErrorKind::too_large);
        if (n < 0) return Error::from_errno("send").with_kind(ErrorKind::cancelled);
        data.remove_prefix(static_cast<size_t>(n));
    } while (!data.empty());
    return {};
}

Result<size_t> receive_remote(BorrowedFd socket, std::span<char> into) {
    ssize_t n = retry([&] { return ::recv(socket.get(), into.data(), into.size(), 0); });
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return Error(ErrorKind::timed_out, "receive: the other side does not answer");
    if (n < 0) return Error::from_errno("receive").with_kind(ErrorKind::cancelled);
    return static_cast<size_t>(n);
}

} // namespace hull::sys
