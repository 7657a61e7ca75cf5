#include "sys/service_manager.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

Result<void> notify_service_manager(std::string_view state) {
    const char* path = ::getenv("NOTIFY_SOCKET");
    if (!path || !*path) return {};
    size_t length = std::strlen(path);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return Error(ErrorKind::invalid_argument, std::string("NOTIFY_SOCKET: not a socket address: ") + path);
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = 0; // an abstract name
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return Error::from_errno("socket");
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    ssize_t n = retry([&] {
        return ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&address), size);
    });
    if (n < 0) return Error::from_errno("sendto", path);
    return {};
}

std::vector<UniqueFd> take_activation_sockets() {
    std::vector<UniqueFd> sockets;
    const char* pid = ::getenv("LISTEN_PID");
    const char* count = ::getenv("LISTEN_FDS");
    // The variables of a parent that passed them on by accident are not for us.
    if (pid && count && std::atol(pid) == ::getpid()) {
        for (int fd = 3; fd < 3 + std::atoi(count); ++fd) {
            if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) continue;
            int listens = 0;
            socklen_t size = sizeof listens;
            if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens) sockets.emplace_back(fd);
        }
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    return sockets;
}

} // namespace hull::sys
