#include "apps/hull-runtime/sub_cgroups.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

// "a//b/../c/" -> "/a/c". nullopt: it leads out.
std::optional<std::string> below(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        size_t slash = path.find('/');
        std::string_view part = path.substr(0, slash);
        path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            parts.push_back(part);
            continue;
        }
        if (parts.empty()) return std::nullopt;
        parts.pop_back();
    }
    std::string out;
    for (auto part : parts) out.append("/").append(part);
    return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    for (;;) {
        size_t end = text.find(separator);
        out.emplace_back(text.substr(0, end));
        if (end == text.npos) return out;
        text.remove_prefix(end + 1);
    }
}

// "cpu" is in the hierarchies "cpu" and "cpu,cpuacct"; "name=systemd" is "systemd".
bool has_controller(const kernel::cgroup::Dir& dir, const std::string& controller) {
    auto names = split(dir.name, ',');
    return std::ranges::find(names, controller) != names.end() || "name=" + dir.name == controller;
}

Result<std::string> checked(const std::string& path) {
    auto clean = below(path);
    if (!clean) return invalid(path + " is not a sub cgroup path");
    return *clean;
}

Result<void> enter_one(const std::string& value, std::set<std::string>& seen, kernel::cgroup::Plan& places) {
    auto parts = split(value, ':');
    if (parts.size() != 2) return invalid("invalid --cgroup argument: " + value + " (missing <controller>: prefix)");
    std::string path = TRY(checked(parts[1]));
    for (const std::string& controller : split(parts[0], ',')) {
        if (controller.empty()) return invalid("invalid --cgroup argument: " + value + " (empty <controller> prefix)");
        if (!seen.insert(controller).second)
            return invalid("invalid --cgroup argument(s): controller " + controller + " specified multiple times");
        auto dir = std::ranges::find_if(places.dirs, [&](const auto& d) { return has_controller(d, controller); });
        if (dir == places.dirs.end()) return invalid("unknown controller " + controller + " in --cgroup " + value);
        dir->path += path;
    }
    return {};
}

} // namespace

Result<void> enter_sub_cgroups(const std::vector<std::string>& values, kernel::cgroup::Plan& places) {
    if (values.empty()) return {};
    if (values.size() == 1 && values[0].find(':') == std::string::npos) {
        std::string path = TRY(checked(values[0]));
        for (auto& dir : places.dirs) dir.path += path;
    } else {
        std::set<std::string> seen;
        for (const std::string& value : values) TRY(enter_one(value, seen, places));
    }
    for (const auto& dir : places.dirs)
        if (!sys::exists(dir.folder()))
            return Error(ErrorKind::not_found, "--cgroup: the container has no cgroup " + dir.folder());
    return {};
}

} // namespace hull::oci_runtime
