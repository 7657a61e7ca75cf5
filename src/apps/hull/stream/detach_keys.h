// The keys that leave a container running: "ctrl-p,ctrl-q".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::cli {

constexpr std::string_view default_detach_keys = "ctrl-p,ctrl-q";

// The bytes of a sequence. Errors: invalid_argument ("Unknown character: '...'").
Result<std::string> parse_detach_keys(std::string_view text);

// Watches typed bytes for the sequence and holds a part of it back until it is
// clear that it is none.
class DetachFilter {
public:
    explicit DetachFilter(std::string sequence) : sequence_(std::move(sequence)) {}
    struct Verdict {
        std::string forward; // bytes that go to the container
        bool detach = false;
    };
    Verdict feed(std::string_view typed);

private:
    std::string sequence_;
    size_t matched_ = 0;
};

} // namespace hull::cli
