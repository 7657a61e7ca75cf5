#include "sys/epoll.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

static_assert(static_cast<uint32_t>(Watch::readable) == EPOLLIN);
static_assert(static_cast<uint32_t>(Watch::peer_closed) == EPOLLRDHUP);
static_assert(static_cast<uint32_t>(Watch::until_reported) == EPOLLONESHOT);

namespace {

Result<void> control(int set, int operation, BorrowedFd fd, uint64_t name, Watch watch) {
    epoll_event event{};
    event.events = static_cast<uint32_t>(watch);
    event.data.u64 = name;
    if (::epoll_ctl(set, operation, fd.get(), &event) != 0) return Error::from_errno("epoll_ctl");
    return {};
}

} // namespace

Result<Epoll> Epoll::create() {
    UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return Error::from_errno("epoll_create1");
    return Epoll(std::move(fd));
}

Result<void> Epoll::add(BorrowedFd fd, uint64_t name, Watch watch) {
    return control(fd_.get(), EPOLL_CTL_ADD, fd, name, watch);
}

Result<void> Epoll::modify(BorrowedFd fd, uint64_t name, Watch watch) {
    return control(fd_.get(), EPOLL_CTL_MOD, fd, name, watch);
}

void Epoll::remove(BorrowedFd fd) { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd.get(), nullptr); }

Result<std::optional<uint64_t>> Epoll::wait(int timeout_ms) {
    epoll_event event{};
    int n = retry([&] { return ::epoll_wait(fd_.get(), &event, 1, timeout_ms); });
    if (n < 0) return Error::from_errno("epoll_wait");
    if (n == 0) return std::optional<uint64_t>();
    uint64_t name = event.data.u64; // the struct is packed
    return std::optional<uint64_t>(name);
}

Result<UniqueFd> make_event_fd() {
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return Error::from_errno("eventfd");
    return fd;
}

void signal_event_fd(BorrowedFd fd) {
    uint64_t one = 1;
    // Fails only when the counter is full, and then it is signalled already.
    [[maybe_unused]] ssize_t n = ::write(fd.get(), &one, sizeof one);
}

} // namespace hull::sys
