#include "api/parameters.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "codec/json.h"
#include "http/message.h"

namespace hull::api {

namespace {

constexpr int64_t ns_per_s = 1'000'000'000;

Error bad_time(std::string_view text) {
    return Error(ErrorKind::invalid_argument,
                 "failed to parse value as time or duration: \"" + std::string(text) + "\"");
}

// Numbers with units, as Go prints durations.
std::optional<int64_t> parse_duration(std::string_view text) {
    static constexpr std::pair<std::string_view, int64_t> units[] = {
        {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", ns_per_s}, {"m", 60 * ns_per_s}, {"h", 3600 * ns_per_s}};
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        // from_chars would read "nan" and "inf" too.
        if (std::string_view("0123456789.").find(text.front()) == std::string_view::npos) return std::nullopt;
        double number = 0;
        auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
        if (ec != std::errc()) return std::nullopt;
        text.remove_prefix(static_cast<size_t>(end - text.data()));
        std::string_view unit = text.substr(0, text.find_first_of("0123456789."));
        auto known = std::find_if(std::begin(units), std::end(units), [&](auto& u) { return u.first == unit; });
        if (known == std::end(units)) return std::nullopt;
        total += number * static_cast<double>(known->second);
        text.remove_prefix(unit.size());
    }
    if (total > 9e18) return std::nullopt;
    return static_cast<int64_t>(total);
}

} // namespace

bool parse_flag(std::string_view text) {
    for (std::string_view no : {"", "0", "no", "false", "none"})
        if (http::equal_without_case(text, no)) return false;
    return true;
}

Result<int> parse_number(std::string_view text) {
    int value = 0;
    std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (ec == std::errc::result_out_of_range)
        return Error(ErrorKind::invalid_argument,
                     "strconv.Atoi: parsing \"" + std::string(text) + "\": value out of range");
    if (ec != std::errc() || end != digits.data() + digits.size())
        return Error(ErrorKind::invalid_argument,
                     "strconv.Atoi: parsing \"" + std::string(text) + "\": invalid syntax");
    return value;
}

Result<WallTime> parse_time(std::string_view text) {
    int64_t seconds = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
    if (ec != std::errc() || (!rest.empty() && rest.front() != '.')) {
        for (const char* missing : {"", "Z", ":00Z", "T00:00:00Z"}) // of what was left out
            if (auto time = from_rfc3339(std::string(text) + missing)) return *time;
        return bad_time(text);
    }
    if (seconds > 9'000'000'000 || seconds < -9'000'000'000) return bad_time(text);
    int64_t fraction = 0;
    if (!rest.empty()) {
        rest.remove_prefix(1);
        int64_t unit = ns_per_s / 10;
        for (char c : rest) {
            if (c < '0' || c > '9') return bad_time(text);
            fraction += (c - '0') * unit;
            unit /= 10;
        }
    }
    return WallTime{seconds * ns_per_s + fraction};
}

Result<WallTime> parse_moment(std::string_view text, WallTime now) {
    if (auto duration = parse_duration(text)) return WallTime{now.ns - *duration};
    return parse_time(text);
}

Result<engine::Filters> parse_filters(std::string_view text) {
    engine::Filters filters;
    if (text.empty()) return filters;
    auto value = TRY(json::parse(text, {.max_depth = 4, .max_bytes = size_t{1} << 20}).context("invalid filters"));
    if (value.is_null()) return filters;
    if (!value.is_object()) return Error(ErrorKind::invalid_argument, "invalid filters: not a JSON object");
    for (const auto& [name, values] : value.get_object()) {
        if (values.is_array()) {
            for (const auto& one : values.get_array()) {
                if (!one.is_string())
                    return Error(ErrorKind::invalid_argument, "invalid filters: a value is not a string");
                filters.add(std::string(name), std::string(one.get_string()));
            }
        } else if (values.is_object()) {
            for (const auto& [one, wanted] : values.get_object()) {
                if (!wanted.is_bool())
                    return Error(ErrorKind::invalid_argument, "invalid filters: a value is not a boolean");
                if (wanted.get_bool()) filters.add(std::string(name), std::string(one));
            }
        } else {
            return Error(ErrorKind::invalid_argument, "invalid filters: values are neither a list nor a map");
        }
    }
    return filters;
}

Result<model::Platform> parse_platform_json(std::string_view text) {
    auto value =
        TRY(json::parse(text, {.max_depth = 4, .max_bytes = size_t{64} << 10}).context("failed to parse platform"));
    const json::Object* object = value.if_object();
    if (!object) return Error(ErrorKind::invalid_argument, "failed to parse platform: not a JSON object");
    model::Platform platform;
    for (auto [name, into] : {std::pair("os", &platform.os), std::pair("architecture", &platform.architecture),
                              std::pair("variant", &platform.variant), std::pair("os.version", &platform.os_version)}) {
        const json::Value* member = object->if_contains(name);
        if (!member || member->is_null()) continue;
        if (!member->is_string())
            return Error(ErrorKind::invalid_argument,
                         std::string("failed to parse platform: ") + name + " is not a string");
        *into = std::string(member->get_string());
    }
    const bool more = !platform.variant.empty() || !platform.os_version.empty();
    if (platform.os.empty() && platform.architecture.empty() && more)
        return Error(ErrorKind::invalid_argument,
                     "optional platform fields provided, but OS and Architecture are missing");
    if (platform.os.empty() || platform.architecture.empty())
        return Error(ErrorKind::invalid_argument, "both OS and Architecture must be provided");
    return platform;
}

} // namespace hull::api
