// Waiting for a handful of descriptors at once (poll(2)); for many, see poll.h.
#pragma once

#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

struct Readiness {
    BorrowedFd fd; // an invalid one is never ready
    enum class Wanted : unsigned char { read, write } wanted = Wanted::read;
    bool ready = false; // answer: data, room, an error or a hang-up
};
// Waits until one of them (at most 8) is ready; false when timeout_ms (-1: none) passed.
Result<bool> wait_ready(std::span<Readiness> entries, int timeout_ms = -1);

// write(2) to a pipe that nobody reads gives EPIPE from now on, no signal.
void ignore_sigpipe();

} // namespace hull::sys
