#include "sys/socket.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

namespace {

constexpr size_t max_fds = 253; // SCM_MAX_FD

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error(ErrorKind::invalid_argument, "socket path " + path + " is longer than " +
                                                      std::to_string(sizeof address.sun_path - 1) + " bytes");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Result<UniqueFd> make_socket(SocketType type) {
    UniqueFd fd(::socket(AF_UNIX, static_cast<int>(type) | SOCK_CLOEXEC, 0));
    if (!fd) return Error::from_errno("socket");
    return fd;
}

} // namespace

Result<UniqueFd> listen_unix(const std::string& path, SocketType type, mode_t mode, int backlog) {
    sockaddr_un address = TRY(address_of(path));
    UniqueFd fd = TRY(make_socket(type));
    auto* sa = reinterpret_cast<const sockaddr*>(&address);
    // The mode must be right from the first moment: bind() applies it to the inode.
    if (::fchmod(fd.get(), mode) != 0) return Error::from_errno("fchmod", path);
    if (::bind(fd.get(), sa, sizeof address) != 0) {
        if (errno != EADDRINUSE) return Error::from_errno("bind", path);
        if (connect_unix(path, type).ok())
            return Error(ErrorKind::conflict, "listen on " + path + ": another program is listening there");
        if (::unlink(path.c_str()) != 0) return Error::from_errno("unlink", path);
        if (::bind(fd.get(), sa, sizeof address) != 0) return Error::from_errno("bind", path);
    }
    if (::chmod(path.c_str(), mode) != 0) return Error::from_errno("chmod", path);
    if (::listen(fd.get(), backlog) != 0) return Error::from_errno("listen", path);
    return fd;
}

Result<UniqueFd> connect_unix(const std::string& path, SocketType type, int timeout_ms) {
    sockaddr_un address = TRY(address_of(path));
    UniqueFd fd = TRY(make_socket(type));
    timeval timeout{.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    if (timeout_ms && ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
        return Error::from_errno("setsockopt");
    if (retry([&] { return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address); }) != 0)
        return Error::from_errno("connect", path);
    return fd;
}

Result<UniqueFd> accept(BorrowedFd listener) {
    int fd = retry([&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC); });
    if (fd < 0) return Error::from_errno("accept");
    return UniqueFd(fd);
}

Result<std::pair<UniqueFd, UniqueFd>> socket_pair(SocketType type) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, static_cast<int>(type) | SOCK_CLOEXEC, 0, fds.data()) != 0)
        return Error::from_errno("socketpair");
    return std::pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<PeerCredentials> peer_credentials(BorrowedFd socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return Error::from_errno("getsockopt", "SO_PEERCRED");
    return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Result<void> send_message(BorrowedFd socket, std::string_view data, std::span<const BorrowedFd> fds) {
    if (fds.size() > max_fds)
        return Error(ErrorKind::too_large,
                     "send message: " + std::to_string(fds.size()) + " descriptors, more than 253");
    iovec io{const_cast<char*>(data.data()), data.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &io;
    header.msg_iovlen = 1;
    if (!fds.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        auto* out = reinterpret_cast<int*>(CMSG_DATA(c));
        for (BorrowedFd fd : fds) *out++ = fd.get();
    }
    if (retry([&] { return ::sendmsg(socket.get(), &header, MSG_NOSIGNAL); }) < 0) return Error::from_errno("sendmsg");
    return {};
}

Result<Message> receive_message(BorrowedFd socket, size_t limit) {
    Message message;
    // The length first: a peek with MSG_TRUNC tells it, so that small messages
    // don't pay for a large buffer.
    char probe = 0;
    ssize_t length = retry([&] { return ::recv(socket.get(), &probe, 1, MSG_PEEK | MSG_TRUNC); });
    if (length < 0) return Error::from_errno("recv");
    if (static_cast<size_t>(length) > limit)
        return Error(ErrorKind::too_large,
                     "receive message: " + std::to_string(length) + " bytes, more than " + std::to_string(limit));
    message.data.resize(static_cast<size_t>(length));
    iovec io{message.data.data(), message.data.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &io;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t n = retry([&] { return ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC); });
    if (n < 0) return Error::from_errno("recvmsg");
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        auto* in = reinterpret_cast<const int*>(CMSG_DATA(c));
        for (size_t i = 0; i < count; ++i) message.fds.emplace_back(in[i]);
    }
    if (header.msg_flags & MSG_CTRUNC)
        return Error(ErrorKind::system, "receive message: descriptors were lost; the limit of open files is too low");
    message.end_of_file = n == 0 && message.fds.empty();
    return message;
}

} // namespace hull::sys
