// A thread beside a process that is about to lose its system calls.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.h"

namespace hull::sys {

// Hands one number from a thread that may make no system call any more to one
// that may, and waits until that one has dealt with it. The C library knows
// nothing of the other thread, which shares the caller's thread-local data:
// work runs only while the caller waits in hand_over().
class Companion {
public:
    // work: false when it failed.
    explicit Companion(std::function<bool(int)> work) : work_(std::move(work)), stack_(stack_bytes) {}
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;

    // From here on the object must live until the process ends or executes a
    // program, and one of the two below must be called.
    Result<void> start();
    // Makes no system call. value: 0 or more. False: work failed.
    bool hand_over(int value);
    void give_up() { value_ = nothing_comes; }

private:
    static constexpr size_t stack_bytes = size_t{128} << 10;
    static constexpr int waiting = -1, nothing_comes = -2;
    enum class Outcome : int { open, done, failed };

    static int run(void* self);

    std::function<bool(int)> work_;
    std::vector<std::byte> stack_;
    std::atomic<int> value_{waiting};
    std::atomic<Outcome> outcome_{Outcome::open};
};

} // namespace hull::sys
