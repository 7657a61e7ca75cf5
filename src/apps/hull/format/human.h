// Sizes, durations and ages as Docker reads and prints them.
// Source: the output of docker 20.10 and 28.2; github.com/docker/go-units.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::format {

// "4.26MB", "0B": units of 1000, this many significant digits.
std::string decimal_size(double bytes, int digits = 3);
// "1.5GiB": units of 1024, four significant digits.
std::string binary_size(double bytes);

// "2 minutes", "About an hour", "Less than a second".
std::string duration_words(int64_t ns);

// "512", "64k", "1.5g", "2GiB", "10 MB": units of 1024. Errors: invalid_argument.
Result<int64_t> parse_bytes(std::string_view text);
// Go's durations: "1h15m30.5s", "300ms", "0"; nanoseconds.
Result<int64_t> parse_duration(std::string_view text);

// The first 12 digits of an id, without "sha256:".
std::string short_id(std::string_view id);
// At most width characters, the last one "…" when something was cut.
std::string ellipsis(std::string_view text, size_t width);
// Characters, not bytes, of UTF-8.
size_t display_width(std::string_view text);

} // namespace hull::format
