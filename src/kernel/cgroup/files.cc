#include "kernel/cgroup/files.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "sys/file.h"

namespace hull::kernel::cgroup {

namespace {

std::optional<uint64_t> number(std::string_view text) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// The next part up to separator; rest loses it.
std::string_view take(std::string_view& rest, char separator) {
    std::string_view part = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
}

bool parse_device(std::string_view text, IoEntry& into) {
    auto major = number(take(text, ':')), minor = number(text);
    if (!major || !minor) return false;
    into.major = *major;
    into.minor = *minor;
    return true;
}

} // namespace

uint64_t parse_number(std::string_view text) {
    text = take(text, '\n');
    if (text == "max") return std::numeric_limits<uint64_t>::max();
    return number(text).value_or(0);
}

std::vector<uint64_t> parse_numbers(std::string_view text) {
    text = take(text, '\n');
    std::vector<uint64_t> values;
    while (!text.empty())
        if (auto value = number(take(text, ' '))) values.push_back(*value);
    return values;
}

std::map<std::string, uint64_t> parse_keyed(std::string_view text) {
    std::map<std::string, uint64_t> values;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        std::string_view key = take(line, ' ');
        if (auto value = number(line)) values.emplace(key, *value);
    }
    return values;
}

std::vector<IoEntry> parse_blkio(std::string_view text) {
    std::vector<IoEntry> entries;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        IoEntry entry;
        if (!parse_device(take(line, ' '), entry)) continue;
        entry.op = take(line, ' ');
        auto value = number(line);
        if (!value) continue;
        entry.value = *value;
        entries.push_back(std::move(entry));
    }
    return entries;
}

void parse_io_stat(std::string_view text, Usage& into) {
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        IoEntry device;
        if (!parse_device(take(line, ' '), device)) continue;
        while (!line.empty()) {
            std::string_view pair = take(line, ' ');
            std::string_view key = take(pair, '=');
            auto value = number(pair);
            if (!value) continue;
            auto add = [&](std::vector<IoEntry>& list, const char* op) {
                list.push_back({device.major, device.minor, op, *value});
            };
            if (key == "rbytes") add(into.io_service_bytes, "Read");
            if (key == "wbytes") add(into.io_service_bytes, "Write");
            if (key == "dbytes") add(into.io_service_bytes, "Discard");
            if (key == "rios") add(into.io_serviced, "Read");
            if (key == "wios") add(into.io_serviced, "Write");
            if (key == "dios") add(into.io_serviced, "Discard");
        }
    }
}

namespace {

// "12.34", always with two digits behind the point.
double percent(std::string_view text) {
    auto whole = number(take(text, '.')), hundredths = number(text);
    if (!whole || !hundredths || text.size() != 2) return 0;
    return static_cast<double>(*whole * 100 + *hundredths) / 100;
}

Stall parse_stall(std::string_view line) {
    Stall stall;
    while (!line.empty()) {
        std::string_view pair = take(line, ' ');
        std::string_view key = take(pair, '=');
        if (key == "avg10") stall.avg10 = percent(pair);
        if (key == "avg60") stall.avg60 = percent(pair);
        if (key == "avg300") stall.avg300 = percent(pair);
        if (key == "total") stall.total_us = number(pair).value_or(0);
    }
    return stall;
}

} // namespace

std::optional<Pressure> parse_pressure(std::string_view text) {
    std::optional<Pressure> pressure;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        std::string_view kind = take(line, ' ');
        if (kind == "some") pressure.emplace().some = parse_stall(line);
        if (kind == "full" && pressure) pressure->full = parse_stall(line);
    }
    return pressure;
}

std::vector<std::string> hugepage_sizes() {
    std::vector<std::string> sizes;
    auto names = sys::list_dir("/sys/kernel/mm/hugepages"); // hugepages-2048kB
    if (!names.ok()) return sizes;
    constexpr std::string_view prefix = "hugepages-", suffix = "kB";
    for (std::string_view name : *names) {
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
        auto kib = number(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
        if (!kib) continue;
        constexpr uint64_t mib = 1024, gib = 1024 * 1024;
        if (*kib >= gib)
            sizes.push_back(std::to_string(*kib / gib) + "GB");
        else if (*kib >= mib)
            sizes.push_back(std::to_string(*kib / mib) + "MB");
        else
            sizes.push_back(std::to_string(*kib) + "KB");
    }
    return sizes;
}

std::vector<pid_t> parse_pids(std::string_view text) {
    std::vector<pid_t> pids;
    while (!text.empty())
        if (auto value = number(take(text, '\n')); value && *value > 0) pids.push_back(static_cast<pid_t>(*value));
    return pids;
}

std::string text_of(const std::string& file) {
    auto text = sys::read_file(file);
    return text.ok() ? std::move(*text) : std::string();
}

uint64_t number_in(const std::string& file) { return parse_number(text_of(file)); }

} // namespace hull::kernel::cgroup
