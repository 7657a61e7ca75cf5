#include "codec/utf8.h"

#include <algorithm>

namespace hull {

namespace {

// Of the character that begins so; 0: none does.
size_t length_by_first(unsigned char c) {
    if (c < 0x80) return 1;
    if (c >= 0xC2 && c < 0xE0) return 2;
    if (c >= 0xE0 && c < 0xF0) return 3;
    return c >= 0xF0 && c < 0xF5 ? 4 : 0;
}

// Bytes of the character at the beginning of text; 0: it isn't one.
size_t character(std::string_view text) {
    auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    size_t n = length_by_first(at(0));
    if (n == 0 || n > text.size()) return 0;
    for (size_t i = 1; i < n; ++i)
        if ((at(i) & 0xC0) != 0x80) return 0;
    if (n == 3 && ((at(0) == 0xE0 && at(1) < 0xA0) || (at(0) == 0xED && at(1) >= 0xA0))) return 0;
    if (n == 4 && ((at(0) == 0xF0 && at(1) < 0x90) || (at(0) == 0xF4 && at(1) >= 0x90))) return 0;
    return n;
}

} // namespace

size_t whole_characters(std::string_view text) {
    for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
        auto c = static_cast<unsigned char>(text[text.size() - back]);
        if ((c & 0xC0) == 0x80) continue;
        return length_by_first(c) > back ? text.size() - back : text.size();
    }
    return text.size();
}

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        size_t n = character(text);
        if (n == 0)
            out += "\xEF\xBF\xBD";
        else
            out += text.substr(0, n);
        text.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

} // namespace hull
