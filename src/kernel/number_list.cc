#include "kernel/number_list.h"

#include <charconv>
#include <optional>
#include <string>

namespace hull::kernel {

namespace {

constexpr uint32_t highest = 8191;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\n";
    while (!text.empty() && blank.find(text.front()) != blank.npos) text.remove_prefix(1);
    while (!text.empty() && blank.find(text.back()) != blank.npos) text.remove_suffix(1);
    return text;
}

std::optional<uint32_t> number(std::string_view text) {
    uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > highest) return std::nullopt;
    return value;
}

} // namespace

Result<std::vector<uint64_t>> parse_number_list(std::string_view text) {
    std::vector<uint64_t> bits;
    if (trimmed(text).empty()) return bits;
    for (std::string_view rest = text;;) {
        size_t comma = rest.find(',');
        std::string_view part = trimmed(rest.substr(0, comma));
        size_t dash = part.find('-');
        auto first = number(part.substr(0, dash));
        auto last = dash == part.npos ? first : number(part.substr(dash + 1));
        if (!first || !last || *last < *first)
            return invalid("\"" + std::string(text) + "\" is not a list of numbers up to 8191 like 0-3,7");
        if (bits.size() <= *last / 64) bits.resize(*last / 64 + 1);
        for (uint32_t n = *first; n <= *last; ++n) bits[n / 64] |= uint64_t{1} << n % 64;
        if (comma == rest.npos) return bits;
        rest.remove_prefix(comma + 1);
    }
}

} // namespace hull::kernel
