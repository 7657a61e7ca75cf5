// Failpoints: named places before and after each durable step, where tests have
// the program fail, die or wait. HULL_FAILPOINTS holds what is to happen:
//
//   HULL_FAILPOINTS="layer.moved=crash;records.images=error@2;blob.synced=delay:500"
//
// error: the step fails with EIO. crash: SIGKILL to itself, as a power cut would
// end it. delay: milliseconds. @n: only the n-th time (from 1); without, always.
// One load of a flag where nothing is asked for.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hull {

namespace detail {
extern const bool failpoints_wanted;
Result<void> reach_failpoint(std::string_view name);
} // namespace detail

inline Result<void> failpoint(std::string_view name) {
    if (!detail::failpoints_wanted) [[likely]]
        return {};
    return detail::reach_failpoint(name);
}

} // namespace hull
