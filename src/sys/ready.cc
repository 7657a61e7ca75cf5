#include "sys/ready.h"

#include <array>
#include <csignal>

#include <poll.h>

#include "sys/retry.h"

namespace hull::sys {

Result<bool> wait_ready(std::span<Readiness> entries, int timeout_ms) {
    std::array<pollfd, 8> fds{};
    if (entries.size() > fds.size()) return Error(ErrorKind::invalid_argument, "too many descriptors to wait for");
    for (size_t i = 0; i < entries.size(); ++i) {
        short events = entries[i].wanted == Readiness::Wanted::write ? POLLOUT : POLLIN;
        fds[i] = {entries[i].fd.get(), events, 0};
    }
    int n = retry([&] { return ::poll(fds.data(), entries.size(), timeout_ms); });
    if (n < 0) return Error::from_errno("poll");
    for (size_t i = 0; i < entries.size(); ++i) entries[i].ready = fds[i].revents != 0;
    return n > 0;
}

void ignore_sigpipe() { ::signal(SIGPIPE, SIG_IGN); }

} // namespace hull::sys
