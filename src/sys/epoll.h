// An epoll set whose members are named by a number of the caller's.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// What to be told about. Hang-ups and errors are always told.
enum class Watch : uint32_t {
    nothing = 0,
    readable = 0x001,         // EPOLLIN
    peer_closed = 0x2000,     // EPOLLRDHUP
    until_reported = 1u << 30 // EPOLLONESHOT: once, until modify()
};
constexpr Watch operator|(Watch a, Watch b) {
    return static_cast<Watch>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}

class Epoll {
public:
    static Result<Epoll> create();

    Result<void> add(BorrowedFd fd, uint64_t name, Watch watch);
    Result<void> modify(BorrowedFd fd, uint64_t name, Watch watch);
    void remove(BorrowedFd fd);
    // The name of one ready member, or nullopt after timeout_ms (-1: never). Any
    // number of threads may wait at once; one event wakes one of them.
    Result<std::optional<uint64_t>> wait(int timeout_ms);

private:
    explicit Epoll(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

// A counter that makes an epoll set ready: signal() from any thread.
Result<UniqueFd> make_event_fd();
void signal_event_fd(BorrowedFd fd);

} // namespace hull::sys
