#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace hull {

namespace {

constexpr int64_t ns_per_s = 1'000'000'000;

int64_t read_clock(clockid_t id) {
    timespec ts{};
    clock_gettime(id, &ts);
    return ts.tv_sec * ns_per_s + ts.tv_nsec;
}

std::optional<int> digits(std::string_view& text, size_t count) {
    if (text.size() < count) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool literal(std::string_view& text, char c, char alternative = 0) {
    if (text.empty() || (text[0] != c && (!alternative || text[0] != alternative))) return false;
    text.remove_prefix(1);
    return true;
}

void add_digits(int64_t value, int width, std::string& out) {
    std::string text = std::to_string(value);
    out.append(static_cast<size_t>(width) - std::min(text.size(), static_cast<size_t>(width)), '0') += text;
}

} // namespace

WallTime wall_now() { return WallTime{read_clock(CLOCK_REALTIME)}; }
int64_t monotonic_ns() { return read_clock(CLOCK_MONOTONIC); }

std::string to_rfc3339(WallTime time) {
    if (time.ns == 0) return "0001-01-01T00:00:00Z";
    int64_t s = time.ns / ns_per_s, ns = time.ns % ns_per_s;
    if (ns < 0) {
        ns += ns_per_s;
        --s;
    }
    // The C library's calendar comes with time zones and their files.
    const int64_t day = s >= 0 ? s / 86400 : (s - 86399) / 86400;
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
    const int64_t second = s - day * 86400;
    std::string out;
    add_digits(int{date.year()}, 4, out);
    add_digits(unsigned{date.month()}, 2, out += '-');
    add_digits(unsigned{date.day()}, 2, out += '-');
    add_digits(second / 3600, 2, out += 'T');
    add_digits(second / 60 % 60, 2, out += ':');
    add_digits(second % 60, 2, out += ':');
    if (ns != 0) {
        add_digits(ns, 9, out += '.');
        out.resize(out.find_last_not_of('0') + 1);
    }
    return out + "Z";
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
    auto year = digits(text, 4);
    if (!year || !literal(text, '-')) return std::nullopt;
    auto month = digits(text, 2);
    if (!month || !literal(text, '-')) return std::nullopt;
    auto day = digits(text, 2);
    if (!day || !literal(text, 'T', 't')) return std::nullopt;
    auto hour = digits(text, 2);
    if (!hour || !literal(text, ':')) return std::nullopt;
    auto minute = digits(text, 2);
    if (!minute || !literal(text, ':')) return std::nullopt;
    auto second = digits(text, 2);
    if (!second) return std::nullopt;
    if (*month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    int64_t ns = 0;
    if (literal(text, '.')) {
        int64_t unit = ns_per_s / 10;
        if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
        while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
            ns += (text[0] - '0') * unit;
            unit /= 10;
            text.remove_prefix(1);
        }
    }
    int64_t offset = 0;
    if (!literal(text, 'Z', 'z')) {
        int sign = literal(text, '+') ? 1 : literal(text, '-') ? -1 : 0;
        auto oh = sign ? digits(text, 2) : std::nullopt;
        if (!oh || !literal(text, ':')) return std::nullopt;
        auto om = digits(text, 2);
        if (!om) return std::nullopt;
        offset = sign * (*oh * 3600 + *om * 60);
    }
    if (!text.empty()) return std::nullopt;
    if (*year <= 1) return WallTime{0};
    // Days beyond the month's end count on.
    const std::chrono::sys_days first{std::chrono::year{*year} / std::chrono::month{static_cast<unsigned>(*month)} / 1};
    int64_t days = first.time_since_epoch().count() + *day - 1;
    int64_t s = days * 86400 + *hour * 3600 + *minute * 60 + *second - offset;
    // What int64_t nanoseconds can hold is 1678 to 2262.
    if (s > 9'200'000'000 || s < -9'200'000'000) return std::nullopt;
    return WallTime{s * ns_per_s + ns};
}

} // namespace hull
