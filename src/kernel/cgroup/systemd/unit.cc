#include "kernel/cgroup/systemd/unit.h"

#include <algorithm>
#include <array>

namespace hull::kernel::cgroup::systemd {

namespace {

constexpr std::string_view slice_suffix = ".slice";

// systemd.unit(5).
bool is_unit_name(std::string_view name) {
    auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(":-_.\\@").find(c) != std::string_view::npos;
    };
    return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, fits);
}

} // namespace

Result<std::string> expand_slice(std::string_view slice) {
    auto bad = [&](const char* why) { return invalid("slice \"" + std::string(slice) + "\" " + why); };
    if (slice == "-") return std::string();
    if (!slice.ends_with(slice_suffix) || slice.size() == slice_suffix.size()) return bad("doesn't end in .slice");
    if (!is_unit_name(slice)) return bad("is no name of a systemd unit");
    std::string_view name = slice.substr(0, slice.size() - slice_suffix.size());
    if (name == "-") return std::string();
    std::string path;
    for (size_t at = 0; at <= name.size();) {
        size_t end = std::min(name.find('-', at), name.size());
        if (end == at) return bad("has an empty part between dashes");
        path.append("/").append(name.substr(0, end)).append(slice_suffix);
        at = end + 1;
    }
    return path;
}

Result<Placement> place(std::string_view cgroups_path, std::string_view default_prefix, std::string_view id,
                        Instance instance) {
    std::array<std::string_view, 3> parts{"", default_prefix, id};
    if (!cgroups_path.empty()) {
        size_t first = cgroups_path.find(':'), second = cgroups_path.find(':', first + 1);
        if (first == cgroups_path.npos || second == cgroups_path.npos ||
            cgroups_path.find(':', second + 1) != cgroups_path.npos)
            return invalid("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"" +
                           std::string(cgroups_path) + "\" instead");
        parts = {cgroups_path.substr(0, first), cgroups_path.substr(first + 1, second - first - 1),
                 cgroups_path.substr(second + 1)};
    }
    auto [slice, prefix, name] = parts;
    if (name.ends_with(slice_suffix))
        return invalid("cgroupsPath \"" + std::string(cgroups_path) +
                       "\" names a slice, which can't hold processes; a container is a scope");
    Placement out;
    out.slice = slice;
    if (slice.empty()) out.slice = instance == Instance::user ? "user.slice" : "system.slice";
    std::string above = TRY(expand_slice(out.slice));
    if (out.slice == "-") out.slice = "-.slice";
    out.unit = std::string(prefix) + "-" + std::string(name) + ".scope";
    if (!is_unit_name(out.unit)) return invalid("\"" + out.unit + "\" is no name of a systemd unit");
    out.path = above + "/" + out.unit;
    return out;
}

} // namespace hull::kernel::cgroup::systemd
