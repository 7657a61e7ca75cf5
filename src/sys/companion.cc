#include "sys/companion.h"

#include <cstdint>
#include <ctime>

#include <sched.h>

namespace hull::sys {

namespace {

// Between two looks; what waits meanwhile spins.
constexpr timespec pause_between{.tv_sec = 0, .tv_nsec = 20'000};

} // namespace

int Companion::run(void* self) {
    auto& me = *static_cast<Companion*>(self);
    int value = waiting;
    while ((value = me.value_.load()) == waiting) ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_between, nullptr);
    if (value >= 0) me.outcome_ = me.work_(value) ? Outcome::done : Outcome::failed;
    return 0; // ends this thread alone
}

Result<void> Companion::start() {
    constexpr int thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    auto top = reinterpret_cast<uintptr_t>(stack_.data() + stack_.size()) & ~uintptr_t{15};
    if (::clone(run, reinterpret_cast<void*>(top), thread, this) < 0) return Error::from_errno("clone");
    return {};
}

bool Companion::hand_over(int value) {
    value_ = value;
    Outcome outcome = Outcome::open;
    while ((outcome = outcome_.load()) == Outcome::open) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    return outcome == Outcome::done;
}

} // namespace hull::sys
