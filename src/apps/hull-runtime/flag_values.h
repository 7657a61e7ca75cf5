// Values of flags in the forms that runc takes: sizes, durations, signals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::oci_runtime {

// "1073741824", "64m", "1.5GiB", "-1" -> bytes; the units are powers of 1,024.
// Errors: invalid_argument, naming the flag.
Result<int64_t> parse_bytes(std::string_view flag, const std::string& text);

// A Go duration: "5s", "1m30s", "0.5h", "500ms" -> nanoseconds, more than 0.
Result<int64_t> parse_duration(std::string_view flag, const std::string& text);

// "KILL", "SIGKILL", "kill", "9", "RTMIN+3", "SIGRTMAX-1" -> number; 0 only asks
// whether there is a process.
Result<int> parse_signal(const std::string& text);

} // namespace hull::oci_runtime
