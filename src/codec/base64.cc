#include "codec/base64.h"

#include <algorithm>
#include <cstdint>

namespace hull {

namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::string encode(std::string_view bytes, std::string_view last_two) {
    std::string digits(letters);
    digits += last_two;
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        size_t have = std::min<size_t>(3, bytes.size() - i);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (size_t k = 0; k < 4; ++k) text.push_back(k <= have ? digits[group >> (18 - 6 * k) & 63] : '=');
    }
    return text;
}

} // namespace

std::string base64_encode(std::string_view bytes) { return encode(bytes, "+/"); }
std::string base64url_encode(std::string_view bytes) { return encode(bytes, "-_"); }

std::optional<std::string> base64_decode(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t group = 0;
    unsigned bits = 0;
    for (char c : text) {
        size_t digit = c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : letters.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        group = group << 6 | static_cast<uint32_t>(digit);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes.push_back(static_cast<char>(group >> bits & 0xff));
    }
    return bytes;
}

} // namespace hull
