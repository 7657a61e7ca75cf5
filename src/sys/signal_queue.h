// Signals taken from a descriptor instead of a handler.
#pragma once

#include <optional>
#include <vector>

#include <csignal>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Blocks a set of signals in the calling thread (and the threads it starts
// later) and delivers them through fd(). The old mask comes back at the end.
// Make it before the first thread is started.
class SignalQueue {
public:
    static Result<SignalQueue> create(const std::vector<int>& signals);
    SignalQueue(SignalQueue&& other) noexcept
        : fd_(std::move(other.fd_)), old_mask_(other.old_mask_), active_(std::exchange(other.active_, false)) {}
    SignalQueue& operator=(SignalQueue&&) = delete;
    ~SignalQueue();

    BorrowedFd fd() const { return fd_.borrow(); }
    // The next signal that waits, nullopt when there is none. Does not block.
    std::optional<int> take();

private:
    SignalQueue(UniqueFd fd, const sigset_t& old_mask) : fd_(std::move(fd)), old_mask_(old_mask) {}
    UniqueFd fd_;
    sigset_t old_mask_{};
    bool active_ = true;
};

// Ends the process as this signal would have done without anyone catching it.
[[noreturn]] void die_of_signal(int signal);

} // namespace hull::sys
