#include "runtime/keeper/json_escape.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace hull::keeper {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// Whether any of eight bytes needs a closer look: < 0x20, >= 0x80, or one of
// " \ < > &. Each term puts 0x80 into the bytes it catches; a byte above a
// caught one may be caught wrongly, which only costs that closer look.
bool any_special(uint64_t word) {
    constexpr uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    auto has = [&](uint64_t c) {
        uint64_t x = word ^ (ones * c);
        return (x - ones) & ~x;
    };
    uint64_t found = word | ((word - ones * 0x20) & ~word) | has('"') | has('\\') | has('<') | has('>') | has('&');
    return (found & highs) != 0;
}

constexpr std::array<bool, 256> make_special() {
    std::array<bool, 256> table{};
    for (unsigned c = 0; c < 256; ++c)
        table[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&';
    return table;
}
constexpr auto special = make_special();

// The length of the valid UTF-8 sequence at the start, or 0. Shortest form
// only, no surrogates, nothing above U+10FFFF.
size_t utf8_length(const unsigned char* s, size_t left) {
    auto follows = [&](size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return i < left && s[i] >= low && s[i] <= high;
    };
    unsigned c = s[0];
    if (c >= 0xc2 && c <= 0xdf) return follows(1) ? 2 : 0;
    if (c == 0xe0) return follows(1, 0xa0) && follows(2) ? 3 : 0;
    if (c == 0xed) return follows(1, 0x80, 0x9f) && follows(2) ? 3 : 0;
    if (c >= 0xe1 && c <= 0xef) return follows(1) && follows(2) ? 3 : 0;
    if (c == 0xf0) return follows(1, 0x90) && follows(2) && follows(3) ? 4 : 0;
    if (c >= 0xf1 && c <= 0xf3) return follows(1) && follows(2) && follows(3) ? 4 : 0;
    if (c == 0xf4) return follows(1, 0x80, 0x8f) && follows(2) && follows(3) ? 4 : 0;
    return 0;
}

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

char* put_ascii(char* out, unsigned char c) {
    switch (c) {
    case '\n': return put(out, "\\n");
    case '\r': return put(out, "\\r");
    case '"': return put(out, "\\\"");
    case '\\': return put(out, "\\\\");
    default: break;
    }
    out = put(out, "\\u00");
    *out++ = hex_digits[c >> 4];
    *out++ = hex_digits[c & 15];
    return out;
}

} // namespace

char* escape_json(std::string_view text, char* out) {
    auto* s = reinterpret_cast<const unsigned char*>(text.data());
    auto* end = s + text.size();
    while (s < end) {
        while (end - s >= 8) {
            uint64_t word;
            std::memcpy(&word, s, sizeof word);
            if (any_special(word)) break;
            std::memcpy(out, &word, sizeof word);
            s += 8;
            out += 8;
        }
        while (s < end && !special[*s]) *out++ = static_cast<char>(*s++);
        if (s == end) break;
        if (*s < 0x80) {
            out = put_ascii(out, *s++);
            continue;
        }
        size_t length = utf8_length(s, static_cast<size_t>(end - s));
        if (length == 0) {
            out = put(out, "\\ufffd");
            ++s;
        } else if (length == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) {
            out = put(out, s[2] == 0xa8 ? "\\u2028" : "\\u2029");
            s += 3;
        } else {
            std::memcpy(out, s, length);
            out += length;
            s += length;
        }
    }
    return out;
}

} // namespace hull::keeper
