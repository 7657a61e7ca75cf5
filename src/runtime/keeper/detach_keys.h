// Finds the key sequence that detaches from a terminal in what a client types.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hull::keeper {

// Bytes that may begin the sequence are held back until it is clear that they
// don't. Empty keys: nothing is ever found or held back.
class DetachMatcher {
public:
    DetachMatcher() = default;
    explicit DetachMatcher(std::string keys, size_t matched = 0) : keys_(std::move(keys)), matched_(matched) {}

    // Appends what goes on to the program. True: the whole sequence came; what
    // follows it in typed is dropped.
    bool feed(std::string_view typed, std::string& passed_on);

    bool active() const { return !keys_.empty(); }
    const std::string& keys() const { return keys_; }
    size_t matched() const { return matched_; } // bytes held back

private:
    std::string keys_;
    size_t matched_ = 0;
};

} // namespace hull::keeper
