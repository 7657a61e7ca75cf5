#include "sys/tcp.h"

#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

namespace {

Result<UniqueFd> listen_on(const addrinfo& address, int backlog) {
    UniqueFd fd(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
    if (!fd) return Error::from_errno("socket");
    int on = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // 0.0.0.0 has a socket of its own.
    if (address.ai_family == AF_INET6) (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
        int code = errno;
        Error error = Error::from_errno("bind");
        return code == EADDRINUSE ? std::move(error).with_kind(ErrorKind::conflict) : error;
    }
    if (::listen(fd.get(), backlog) != 0) return Error::from_errno("listen");
    return fd;
}

} // namespace

Result<std::vector<UniqueFd>> listen_tcp(const std::string& host, const std::string& port, int backlog) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
    if (code != 0) return Error(ErrorKind::not_found, "lookup " + host + ":" + port + ": " + ::gai_strerror(code));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    std::vector<UniqueFd> listeners;
    for (const addrinfo* a = found; a; a = a->ai_next) {
        auto listener = listen_on(*a, backlog);
        // A machine without IPv6 still resolves ::.
        if (!listener.ok() && a->ai_family == AF_INET6 &&
            (listener.error().code() == EAFNOSUPPORT || listener.error().code() == EADDRNOTAVAIL))
            continue;
        if (!listener.ok()) return std::move(listener).error().context(host + ":" + port);
        listeners.push_back(std::move(listener).value());
    }
    if (listeners.empty()) return Error(ErrorKind::not_found, "no address to listen on for " + host + ":" + port);
    return listeners;
}

bool is_network_socket(BorrowedFd socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return true;
    return address.ss_family != AF_UNIX;
}

void send_at_once(BorrowedFd socket) {
    int on = 1;
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<UniqueFd> connect_tcp(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (code != 0) return Error(ErrorKind::not_found, "lookup " + host + ": " + ::gai_strerror(code));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);

    int last = ECONNREFUSED;
    for (const addrinfo* a = found; a; a = a->ai_next) {
        UniqueFd fd(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
        if (!fd || retry([&] { return ::connect(fd.get(), a->ai_addr, a->ai_addrlen); }) < 0) {
            last = errno;
            continue;
        }
        int on = 1;
        (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return fd;
    }
    return Error::from_errno("connect", host + ":" + port, last).with_kind(ErrorKind::unavailable);
}

} // namespace hull::sys
