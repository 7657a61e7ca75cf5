#include "sys/tcp.h"

#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

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
