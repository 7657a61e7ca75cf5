#include "apps/hull-runtime/flag_values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/decimal.h"

namespace hull::oci_runtime {

namespace {

Error wrong(std::string_view flag, const std::string& text) {
    return invalid("invalid value for " + std::string(flag) + ": \"" + text + "\"");
}

// A number without sign or exponent, taken off the front of text.
std::optional<double> take_number(std::string_view& text) {
    size_t length = text.find_first_not_of("0123456789.");
    std::string_view number = text.substr(0, length);
    std::optional<double> value = decimal_of(number);
    if (value) text.remove_prefix(number.size());
    return value;
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

// "K", "KB", "KiB" and so on; "" and "B" are bytes.
std::optional<double> size_of_unit(std::string_view unit) {
    constexpr std::string_view letters = "KMGTP";
    std::string text = upper(unit);
    if (text.ends_with('B')) text.pop_back();
    if (text.empty()) return 1;
    size_t power = letters.find(text[0]);
    bool known = power != letters.npos && (text.size() == 1 || (text.size() == 2 && text[1] == 'I'));
    if (!known) return std::nullopt;
    return std::ldexp(1.0, 10 * (static_cast<int>(power) + 1));
}

} // namespace

Result<int64_t> parse_bytes(std::string_view flag, const std::string& text) {
    if (text == "-1") return int64_t{-1};
    // All of an integer, which a double might round.
    int64_t whole = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (error == std::errc{} && end == text.data() + text.size() && whole >= 0) return whole;
    std::string_view rest = text;
    auto number = take_number(rest);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    auto unit = size_of_unit(rest);
    if (!number || !unit || *number * *unit >= 0x1p63) return wrong(flag, text);
    return static_cast<int64_t>(*number * *unit);
}

Result<int64_t> parse_duration(std::string_view flag, const std::string& text) {
    struct Unit {
        std::string_view name;
        double ns;
    };
    // Longer names before those that they begin with.
    static constexpr std::array<Unit, 8> units{{{"ns", 1},
                                                {"us", 1e3},
                                                {"\u00b5s", 1e3},
                                                {"\u03bcs", 1e3},
                                                {"ms", 1e6},
                                                {"s", 1e9},
                                                {"m", 60e9},
                                                {"h", 3600e9}}};
    std::string_view rest = text;
    double total = 0;
    do {
        auto number = take_number(rest);
        if (!number) return wrong(flag, text);
        bool found = false;
        for (const Unit& unit : units) {
            if (!rest.starts_with(unit.name)) continue;
            total += *number * unit.ns;
            rest.remove_prefix(unit.name.size());
            found = true;
            break;
        }
        if (!found) return wrong(flag, text);
    } while (!rest.empty());
    if (total < 1) return invalid("duration " + std::string(flag) + " must be greater than 0");
    if (total >= 0x1p63) return wrong(flag, text);
    return static_cast<int64_t>(total);
}

Result<int> parse_signal(const std::string& text) {
    auto unknown = [&] { return invalid("unknown signal \"" + text + "\""); };
    int number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size())
        return number >= 0 && number <= SIGRTMAX ? Result<int>(number) : Result<int>(unknown());
    std::string name = upper(text);
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (int s = 1; s < 32; ++s) {
        const char* known = sigabbrev_np(s);
        if (known && name == known) return s;
    }
    struct Named {
        std::string_view name;
        int number;
    };
    for (const Named& alias : {Named{"IOT", SIGABRT}, Named{"CLD", SIGCHLD}, Named{"POLL", SIGIO}})
        if (name == alias.name) return alias.number;
    if (!name.starts_with("RTMIN") && !name.starts_with("RTMAX")) return unknown();
    int base = name.starts_with("RTMIN") ? SIGRTMIN : SIGRTMAX;
    if (name.size() == 5) return base;
    bool up = base == SIGRTMIN && name[5] == '+';
    bool down = base == SIGRTMAX && name[5] == '-';
    int offset = 0;
    auto [last, bad] = std::from_chars(name.data() + 6, name.data() + name.size(), offset);
    if ((!up && !down) || bad != std::errc{} || last != name.data() + name.size() || offset < 0) return unknown();
    number = up ? base + offset : base - offset;
    return number >= SIGRTMIN && number <= SIGRTMAX ? Result<int>(number) : Result<int>(unknown());
}

} // namespace hull::oci_runtime
