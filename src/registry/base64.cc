#include "registry/base64.h"

#include <cstdint>

namespace hull::registry {

namespace {

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int value_of_digit(char c) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    size_t at = base64_alphabet.find(c);
    return at == base64_alphabet.npos ? -1 : static_cast<int>(at);
}

} // namespace

std::string base64_encode(std::string_view data) {
    std::string out;
    out.reserve((data.size() + 2) / 3 * 4);
    for (size_t i = 0; i < data.size(); i += 3) {
        const size_t have = std::min<size_t>(3, data.size() - i);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? static_cast<unsigned char>(data[i + k]) : 0u);
        for (size_t k = 0; k < 4; ++k) out += k <= have ? base64_alphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

Result<std::string> base64_decode(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    if (text.size() % 4 == 1) return invalid("illegal base64 data: wrong length");
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    uint32_t group = 0;
    int bits = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const int value = value_of_digit(text[i]);
        if (value < 0) return invalid("illegal base64 data at input byte " + std::to_string(i));
        group = (group << 6 | static_cast<uint32_t>(value)) & 0xffffff;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out += static_cast<char>(group >> bits & 255);
    }
    return out;
}

} // namespace hull::registry
