// "tcp://host:port", "unix:///path": where a collector listens.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::logs {

struct Address {
    std::string scheme; // "": none was given
    std::string host;   // or the path, where the scheme is unix or unixgram
    std::string port;   // of those with a host
};

// Errors: invalid_argument.
Result<Address> parse_address(std::string_view text, std::string_view default_port);

// Options. Errors: invalid_argument naming the option.
Result<bool> parse_switch(std::string_view option, const std::string& value);
Result<int64_t> parse_count(std::string_view option, const std::string& value);
// Go's durations: "1s", "100ms", "1m30s". In milliseconds.
Result<int64_t> parse_duration_ms(std::string_view option, const std::string& value);

} // namespace hull::logs
