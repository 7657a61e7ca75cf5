// Names of what a Loop watches: plain values, valid until removed.
#pragma once

#include <cstdint>

namespace hull::event {

// A watched descriptor. The generation keeps a late event from reaching the
// next user of the same slot.
struct Watch {
    uint32_t slot = UINT32_MAX;
    uint32_t generation = 0;
    bool valid() const { return slot != UINT32_MAX; }
};

struct Timer {
    int64_t deadline = 0;
    uint64_t number = 0; // 0: none
    bool valid() const { return number != 0; }
};

} // namespace hull::event
