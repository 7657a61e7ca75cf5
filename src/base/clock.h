// Time: wall clock as Docker prints it, and a monotonic clock for durations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hull {

// Nanoseconds since 1970-01-01 UTC; 0 is "never" (Docker's 0001-01-01T00:00:00Z).
struct WallTime {
    int64_t ns = 0;
    auto operator<=>(const WallTime&) const = default;
};

WallTime wall_now();
// Nanoseconds of CLOCK_MONOTONIC; only differences have a meaning.
int64_t monotonic_ns();

// "2026-11-22T02:26:24.123456789Z"; trailing zeros of the fraction are dropped,
// as Go's RFC3339Nano does. WallTime{0} gives "0001-01-01T00:00:00Z".
std::string to_rfc3339(WallTime time);
// Reads RFC 3339 with an optional fraction and any offset. Year 1 gives WallTime{0}.
std::optional<WallTime> from_rfc3339(std::string_view text);

} // namespace hull
