#include "sys/route_socket.h"

#include <cstring>
#include <vector>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "sys/retry.h"

namespace hull::sys {

Result<RouteSocket> RouteSocket::open() {
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd) return Error::from_errno("socket", "rtnetlink");
    return RouteSocket(std::move(fd));
}

Result<std::string> RouteSocket::exchange(std::string request) {
    auto* head = reinterpret_cast<nlmsghdr*>(request.data());
    head->nlmsg_len = static_cast<uint32_t>(request.size());
    head->nlmsg_seq = ++sequence_;
    if (retry([&] { return ::send(fd_.get(), request.data(), request.size(), 0); }) < 0)
        return Error::from_errno("send", "rtnetlink");
    std::string out;
    std::vector<char> buffer(32768);
    for (;;) {
        ssize_t n = retry([&] { return ::recv(fd_.get(), buffer.data(), buffer.size(), 0); });
        if (n < 0) return Error::from_errno("recv", "rtnetlink");
        auto left = static_cast<size_t>(n);
        for (const char* at = buffer.data(); left >= sizeof(nlmsghdr);) {
            nlmsghdr message;
            std::memcpy(&message, at, sizeof message);
            size_t step = NLMSG_ALIGN(message.nlmsg_len);
            if (message.nlmsg_len < sizeof message || message.nlmsg_len > left) break;
            if (message.nlmsg_seq == sequence_) {
                if (message.nlmsg_type == NLMSG_DONE) return out;
                if (message.nlmsg_type == NLMSG_ERROR) {
                    int code = 0;
                    if (message.nlmsg_len >= sizeof message + sizeof code)
                        std::memcpy(&code, at + sizeof message, sizeof code);
                    if (code == 0) return out;
                    return Error::from_errno("rtnetlink", -code);
                }
                out.append(at, std::min(step, left));
            }
            at += std::min(step, left);
            left -= std::min(step, left);
        }
    }
}

} // namespace hull::sys
