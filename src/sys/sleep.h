// Sleeping, for the few places that have to poll the kernel.
#pragma once

namespace hull::sys {

void sleep_ms(int milliseconds);
void sleep_us(int microseconds);

// Waiting in steps of 1, 2, 4, ... up to 50 ms until patience_ms is used up.
class Backoff {
public:
    explicit Backoff(int patience_ms) : left_(patience_ms) {}
    // Sleeps; false (without sleeping) when patience is at its end.
    bool wait();

private:
    int left_;
    int step_ = 1;
};

} // namespace hull::sys
