#include "runtime/keeper/detach_keys.h"

namespace hull::keeper {

bool DetachMatcher::feed(std::string_view typed, std::string& passed_on) {
    if (keys_.empty()) {
        passed_on += typed;
        return false;
    }
    for (char c : typed) {
        // Fall back to the longest start of the sequence that still fits.
        while (matched_ > 0 && keys_[matched_] != c) {
            size_t shorter = matched_ - 1;
            while (shorter > 0 && keys_.compare(matched_ - shorter, shorter, keys_, 0, shorter) != 0) --shorter;
            passed_on.append(keys_, 0, matched_ - shorter);
            matched_ = shorter;
        }
        if (keys_[matched_] != c)
            passed_on += c;
        else if (++matched_ == keys_.size())
            return true;
    }
    return false;
}

} // namespace hull::keeper
