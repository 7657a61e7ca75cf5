#include "sys/poll.h"

#include <csignal>

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

namespace {

Result<void> control(BorrowedFd epoll, int operation, BorrowedFd fd, uint32_t events, uint64_t cookie) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = cookie;
    if (::epoll_ctl(epoll.get(), operation, fd.get(), &event) != 0) return Error::from_errno("epoll_ctl");
    return {};
}

} // namespace

Result<UniqueFd> epoll_create() {
    UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return Error::from_errno("epoll_create1");
    return fd;
}

Result<void> epoll_add(BorrowedFd epoll, BorrowedFd fd, uint32_t events, uint64_t cookie) {
    return control(epoll, EPOLL_CTL_ADD, fd, events, cookie);
}

Result<void> epoll_modify(BorrowedFd epoll, BorrowedFd fd, uint32_t events, uint64_t cookie) {
    return control(epoll, EPOLL_CTL_MOD, fd, events, cookie);
}

void epoll_remove(BorrowedFd epoll, BorrowedFd fd) { ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd.get(), nullptr); }

Result<size_t> epoll_wait(BorrowedFd epoll, std::span<epoll_event> events, int timeout_ms) {
    int n = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (n < 0 && errno != EINTR) return Error::from_errno("epoll_wait");
    return n < 0 ? size_t{0} : static_cast<size_t>(n);
}

Result<UniqueFd> make_eventfd() {
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return Error::from_errno("eventfd");
    return fd;
}

// A full counter is raised already, an empty one cleared: neither is an error.
void raise_eventfd(BorrowedFd fd) { ::eventfd_write(fd.get(), 1); }

void clear_eventfd(BorrowedFd fd) {
    eventfd_t value = 0;
    ::eventfd_read(fd.get(), &value);
}

Result<UniqueFd> make_signalfd(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : signals) sigaddset(&set, signal);
    if (int code = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); code != 0)
        return Error::from_errno("pthread_sigmask", code);
    UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return Error::from_errno("signalfd");
    return fd;
}

int read_signalfd(BorrowedFd fd) {
    signalfd_siginfo info{};
    if (retry([&] { return ::read(fd.get(), &info, sizeof info); }) != sizeof info) return 0;
    return static_cast<int>(info.ssi_signo);
}

} // namespace hull::sys
