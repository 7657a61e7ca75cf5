#include "apps/hull/format/human.h"

#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace hull::format {

namespace {

template <size_t N>
std::string scaled(double size, double base, const std::array<const char*, N>& units, int digits) {
    size_t i = 0;
    for (; size >= base && i + 1 < N; ++i) size /= base;
    char text[64];
    std::snprintf(text, sizeof text, "%.*g%s", digits, size, units[i]);
    return text;
}

Error bad_duration(std::string_view text) {
    return Error(ErrorKind::invalid_argument, "time: invalid duration \"" + std::string(text) + "\"");
}

} // namespace

std::string decimal_size(double bytes, int digits) {
    return scaled(bytes, 1000, std::array{"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}, digits);
}

std::string binary_size(double bytes) {
    return scaled(bytes, 1024, std::array{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}, 4);
}

std::string duration_words(int64_t ns) {
    int64_t seconds = ns / 1'000'000'000;
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return std::to_string(seconds) + " seconds";
    int64_t minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return std::to_string(minutes) + " minutes";
    int64_t hours = (seconds + 1800) / 3600; // rounded
    if (hours == 1) return "About an hour";
    if (hours < 48) return std::to_string(hours) + " hours";
    if (hours < 24 * 7 * 2) return std::to_string(hours / 24) + " days";
    if (hours < 24 * 30 * 2) return std::to_string(hours / 24 / 7) + " weeks";
    if (hours < 24 * 365 * 2) return std::to_string(hours / 24 / 30) + " months";
    return std::to_string(seconds / 3600 / 24 / 365) + " years";
}

Result<int64_t> parse_bytes(std::string_view text) {
    size_t digits = text.find_first_not_of("0123456789.");
    std::string number(text.substr(0, digits));
    char* end = nullptr;
    double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0')
        return Error(ErrorKind::invalid_argument, "invalid size: '" + std::string(text) + "'");
    std::string suffix;
    if (digits != text.npos)
        for (char c : text.substr(digits + (text[digits] == ' ' ? 1 : 0)))
            suffix += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string_view rest = suffix;
    size_t power = rest.empty() ? std::string_view::npos : std::string_view("kmgtp").find(rest[0]);
    if (power != std::string_view::npos) {
        value *= std::pow(1024.0, static_cast<double>(power + 1));
        rest.remove_prefix(1);
        if (rest.starts_with('i')) rest.remove_prefix(1);
    }
    if (!rest.empty() && rest != "b") return Error(ErrorKind::invalid_argument, "invalid suffix: '" + suffix + "'");
    if (value >= 9.2e18) return Error(ErrorKind::invalid_argument, "invalid size: '" + std::string(text) + "'");
    return static_cast<int64_t>(value);
}

Result<int64_t> parse_duration(std::string_view text) {
    std::string_view rest = text;
    bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    if (rest == "0") return int64_t{0};
    if (rest.empty()) return bad_duration(text);
    double total = 0;
    while (!rest.empty()) {
        size_t digits = rest.find_first_not_of("0123456789.");
        if (digits == 0) return bad_duration(text);
        if (digits == rest.npos)
            return Error(ErrorKind::invalid_argument, "time: missing unit in duration \"" + std::string(text) + "\"");
        std::string number(rest.substr(0, digits));
        char* end = nullptr;
        double value = std::strtod(number.c_str(), &end);
        if (*end != '\0') return bad_duration(text);
        rest.remove_prefix(digits);
        size_t letters = rest.find_first_of("0123456789.");
        std::string_view unit = rest.substr(0, letters);
        rest.remove_prefix(unit.size());
        double scale = unit == "h"                                    ? 3600e9
                       : unit == "m"                                  ? 60e9
                       : unit == "s"                                  ? 1e9
                       : unit == "ms"                                 ? 1e6
                       : unit == "us" || unit == "µs" || unit == "μs" ? 1e3
                       : unit == "ns"                                 ? 1
                                                                      : 0;
        if (scale == 0)
            return Error(ErrorKind::invalid_argument,
                         "time: unknown unit \"" + std::string(unit) + "\" in duration \"" + std::string(text) + "\"");
        total += value * scale;
    }
    if (total >= 9.2e18) return bad_duration(text);
    auto ns = static_cast<int64_t>(std::llround(total));
    return negative ? -ns : ns;
}

std::string short_id(std::string_view id) {
    if (size_t colon = id.find(':'); colon != id.npos) id.remove_prefix(colon + 1);
    return std::string(id.substr(0, 12));
}

size_t display_width(std::string_view text) {
    size_t width = 0;
    for (char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return width;
}

std::string ellipsis(std::string_view text, size_t width) {
    if (display_width(text) <= width || width == 0) return std::string(text);
    std::string out;
    size_t used = 0;
    for (char c : text) {
        bool starts = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        if (starts && ++used == width) break;
        out += c;
    }
    return out + "…";
}

} // namespace hull::format
