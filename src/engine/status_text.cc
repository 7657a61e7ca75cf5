// Times as docker ps words them, and as its filters take them.
#include <cctype>
#include <charconv>
#include <cmath>

#include "engine/service.h"

namespace hull::engine {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t seconds_between(WallTime from, WallTime to) { return to.ns > from.ns ? (to.ns - from.ns) / kSecond : 0; }

// "1h30m", "10m", "1.5h": Go's durations. nullopt: isn't one.
std::optional<int64_t> go_duration_ns(std::string_view text) {
    struct Unit {
        std::string_view name;
        double ns;
    };
    constexpr std::array units = {Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"ms", 1e6},
                                  Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"h", 3600e9}};
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        double value = 0;
        auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failed != std::errc()) return std::nullopt;
        text.remove_prefix(static_cast<size_t>(end - text.data()));
        size_t length = 0;
        while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length]))) ++length;
        std::string_view name = text.substr(0, length);
        const Unit* found = nullptr;
        for (const Unit& unit : units)
            if (unit.name == name) found = &unit;
        if (!found) return std::nullopt;
        total += value * found->ns;
        text.remove_prefix(length);
    }
    return static_cast<int64_t>(total);
}

} // namespace

std::string human_duration(int64_t seconds) {
    auto count = [](int64_t n, const char* unit) { return std::to_string(n) + " " + unit; };
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return count(seconds, "seconds");
    int64_t minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return count(minutes, "minutes");
    auto hours = static_cast<int64_t>(std::llround(static_cast<double>(seconds) / 3600.0));
    if (hours == 1) return "About an hour";
    if (hours < 48) return count(hours, "hours");
    if (hours < 24 * 7 * 2) return count(hours / 24, "days");
    if (hours < 24 * 30 * 2) return count(hours / 24 / 7, "weeks");
    if (hours < 24 * 365 * 2) return count(hours / 24 / 30, "months");
    return count(hours / 24 / 365, "years");
}

std::string status_text(const ContainerState& state, HealthStatus health, WallTime now) {
    auto ended = [&] {
        return "(" + std::to_string(state.exit_code) + ") " + human_duration(seconds_between(state.finished_at, now)) +
               " ago";
    };
    switch (view_status(state)) {
    case Status::running:
    case Status::paused: {
        std::string text = "Up " + human_duration(seconds_between(state.started_at, now));
        if (state.status == ContainerStatus::paused) return text + " (Paused)";
        if (health == HealthStatus::starting) return text + " (health: starting)";
        if (health != HealthStatus::none) return text + " (" + health_name(health) + ")";
        return text;
    }
    case Status::restarting: return "Restarting " + ended();
    case Status::removing: return "Removal In Progress";
    case Status::dead: return "Dead";
    case Status::created: return "Created";
    case Status::exited: return state.finished_at.ns == 0 ? "" : "Exited " + ended();
    }
    return {};
}

Result<WallTime> parse_time_filter(const std::string& text, WallTime now) {
    if (auto time = from_rfc3339(text)) return *time;
    for (const char* rest : {"Z", ":00Z", "T00:00:00Z"})
        if (auto time = from_rfc3339(text + rest)) return *time;
    if (auto duration = go_duration_ns(text)) return WallTime{now.ns - *duration};
    double seconds = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failed == std::errc() && end == text.data() + text.size() && seconds >= 0)
        return WallTime{static_cast<int64_t>(seconds * 1e9)};
    return Error(ErrorKind::invalid_argument, "failed to parse value as time or duration: \"" + text + "\"");
}

} // namespace hull::engine
