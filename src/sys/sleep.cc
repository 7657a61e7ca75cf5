#include "sys/sleep.h"

#include <algorithm>
#include <cerrno>

#include <time.h>

namespace hull::sys {

void sleep_us(int microseconds) {
    timespec left{microseconds / 1'000'000, static_cast<long>(microseconds % 1'000'000) * 1'000};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

void sleep_ms(int milliseconds) {
    timespec left{milliseconds / 1000, static_cast<long>(milliseconds % 1000) * 1'000'000};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

bool Backoff::wait() {
    if (left_ <= 0) return false;
    int now = std::min(step_, left_);
    sleep_ms(now);
    left_ -= now;
    step_ = std::min(step_ * 2, 50);
    return true;
}

} // namespace hull::sys
