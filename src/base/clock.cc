#include "base/clock.h"

#include <cstdio>
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
    time_t t = s;
    tm utc{};
    gmtime_r(&t, &utc);
    char buffer[80];
    int n = std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1,
                          utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    std::string out(buffer, static_cast<size_t>(n));
    if (ns != 0) {
        n = std::snprintf(buffer, sizeof buffer, ".%09d", static_cast<int>(ns));
        while (buffer[n - 1] == '0') --n;
        out.append(buffer, static_cast<size_t>(n));
    }
    return out + "Z";
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
    tm utc{};
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
    utc.tm_year = *year - 1900;
    utc.tm_mon = *month - 1;
    utc.tm_mday = *day;
    utc.tm_hour = *hour;
    utc.tm_min = *minute;
    utc.tm_sec = *second;
    int64_t s = timegm(&utc) - offset;
    // What int64_t nanoseconds can hold is 1678 to 2262.
    if (s > 9'200'000'000 || s < -9'200'000'000) return std::nullopt;
    return WallTime{s * ns_per_s + ns};
}

} // namespace hull
