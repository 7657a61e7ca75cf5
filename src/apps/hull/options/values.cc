#include "apps/hull/options/values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "apps/hull/cli/flags.h"
#include "apps/hull/format/human.h"
#include "apps/hull/options/mounts.h"
#include "codec/json.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

Error invalid_for(std::string_view flag, std::string_view value, std::string_view why) {
    return invalid("invalid argument \"" + std::string(value) + "\" for \"" + std::string(flag) +
                   "\" flag: " + std::string(why));
}

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> out;
    for (size_t at; (at = text.find(by)) != text.npos; text.remove_prefix(at + 1)) out.push_back(text.substr(0, at));
    out.push_back(text);
    return out;
}

// Adds a variable as Docker does; without "=" its value comes from our environment.
Result<void> add_variable(std::string_view text, std::vector<std::string>& out) {
    if (text.empty() || text[0] == '=') return invalid("invalid environment variable: " + std::string(text));
    if (text.find('=') != text.npos) {
        out.emplace_back(text);
        return {};
    }
    if (const char* value = std::getenv(std::string(text).c_str())) out.push_back(std::string(text) + "=" + value);
    return {};
}

Result<std::vector<std::string>> lines_of(const std::string& path) {
    auto file = sys::read_file(path);
    if (!file.ok()) {
        const char* why = file.error().kind() == ErrorKind::not_found ? "no such file or directory" : nullptr;
        if (why) return Error(ErrorKind::not_found, "open " + path + ": " + why);
        return std::move(file).error();
    }
    std::string_view text = *file;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3); // byte order mark
    std::vector<std::string> out;
    size_t number = 0;
    for (std::string_view line : split(text, '\n')) {
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        size_t start = line.find_first_not_of(" \t\v\f");
        if (start == line.npos || line[start] == '#') continue;
        line.remove_prefix(start);
        std::string_view name = line.substr(0, line.find('='));
        if (name.empty())
            return invalid("invalid environment file (" + path + "): no variable name on line '" + std::string(line) +
                           "'");
        if (name.find_first_of(" \t") != name.npos)
            return invalid("invalid environment file (" + path + "): variable '" + std::string(name) +
                           "' contains whitespaces");
        out.emplace_back(line);
    }
    return out;
}

} // namespace

std::pair<std::string, std::string> split_pair(std::string_view text) {
    size_t equals = text.find('=');
    if (equals == text.npos) return {std::string(text), ""};
    return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Result<std::vector<std::string>> read_environment(const std::vector<std::string>& files,
                                                  const std::vector<std::string>& variables) {
    std::vector<std::string> out;
    for (const std::string& path : files)
        for (const std::string& line : TRY(lines_of(path))) TRY(add_variable(line, out));
    for (const std::string& text : variables) {
        auto added = add_variable(text, out);
        if (!added.ok()) return invalid_for("-e, --env", text, added.error().message());
    }
    return out;
}

Result<model::Labels> read_labels(const std::vector<std::string>& files, const std::vector<std::string>& labels) {
    model::Labels out;
    auto add = [&](std::string_view text) -> Result<void> {
        auto [key, value] = split_pair(text);
        if (key.empty()) return invalid("invalid label '" + std::string(text) + "': empty name");
        out[key] = value;
        return {};
    };
    for (const std::string& path : files)
        for (const std::string& line : TRY(lines_of(path))) TRY(add(line));
    for (const std::string& text : labels) TRY(add(text));
    return out;
}

Result<model::Ulimit> parse_ulimit(std::string_view text) {
    static constexpr std::array<std::string_view, 16> names{
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",    "as"};
    auto fail = [&](const std::string& why) { return invalid_for("--ulimit", text, why); };
    size_t equals = text.find('=');
    if (equals == text.npos) return fail("invalid ulimit argument: " + std::string(text));
    model::Ulimit out;
    out.name = text.substr(0, equals);
    if (std::ranges::find(names, out.name) == names.end()) return fail("invalid ulimit type: " + out.name);
    auto limits = split(text.substr(equals + 1), ':');
    if (limits.size() > 2)
        return fail("too many limit value arguments - " + std::string(text.substr(equals + 1)) +
                    ", can only have up to two, `soft[:hard]`");
    auto soft = parse_integer(limits[0]);
    if (!soft.ok()) return fail(soft.error().message());
    out.soft = out.hard = *soft;
    if (limits.size() == 2) {
        auto hard = parse_integer(limits[1]);
        if (!hard.ok()) return fail(hard.error().message());
        out.hard = *hard;
    }
    if (out.hard != -1 && (out.soft > out.hard || out.soft == -1))
        return fail("ulimit soft limit must be less than or equal to hard limit: " + std::to_string(out.soft) + " > " +
                    std::to_string(out.hard));
    return out;
}

bool is_cdi_device(std::string_view text) {
    size_t equals = text.find('=');
    return !text.starts_with('/') && equals != text.npos && text.substr(0, equals).find('/') != text.npos;
}

Result<model::DeviceMapping> parse_device(std::string_view text) {
    auto valid_mode = [](std::string_view mode) { return !mode.empty() && mode.find_first_not_of("rwm") == mode.npos; };
    auto parts = split(text, ':');
    if (parts.size() > 3 || parts[0].empty()) return invalid("invalid device specification: " + std::string(text));
    model::DeviceMapping out{std::string(parts[0]), std::string(parts[0]), "rwm"};
    if (parts.size() == 2) {
        if (valid_mode(parts[1]))
            out.cgroup_permissions = parts[1];
        else if (!parts[1].empty())
            out.path_in_container = parts[1];
    } else if (parts.size() == 3) {
        if (!parts[1].empty()) out.path_in_container = parts[1];
        if (!valid_mode(parts[2])) return invalid("invalid device specification: " + std::string(text));
        out.cgroup_permissions = parts[2];
    }
    if (!out.path_on_host.starts_with('/')) return invalid(out.path_on_host + " is not an absolute path");
    return out;
}

Result<model::BlkioWeightDevice> parse_weight_device(std::string_view text) {
    size_t colon = text.rfind(':');
    auto fail = [&](const std::string& why) { return invalid_for("--blkio-weight-device", text, why); };
    if (colon == text.npos || colon == 0) return fail("bad format: " + std::string(text));
    if (!text.starts_with("/dev/")) return fail("bad format for device path: " + std::string(text));
    auto weight = parse_integer(text.substr(colon + 1));
    if (!weight.ok() || (*weight > 0 && (*weight < 10 || *weight > 1000)) || *weight < 0)
        return fail("invalid weight for device: " + std::string(text));
    return model::BlkioWeightDevice{std::string(text.substr(0, colon)), static_cast<uint16_t>(*weight)};
}

Result<model::BlkioRateDevice> parse_rate_device(std::string_view text, Rate unit) {
    size_t colon = text.rfind(':');
    if (colon == text.npos || colon == 0) return invalid("bad format: " + std::string(text));
    if (!text.starts_with("/dev/")) return invalid("bad format for device path: " + std::string(text));
    auto rate =
        unit == Rate::bytes ? format::parse_bytes(text.substr(colon + 1)) : parse_integer(text.substr(colon + 1));
    if (!rate.ok() || *rate < 0)
        return invalid("invalid rate for device: " + std::string(text) +
                       ". The correct format is <device-path>:<number>" +
                       (unit == Rate::bytes
                            ? "[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
                            : ". Number must be a positive integer"));
    return model::BlkioRateDevice{std::string(text.substr(0, colon)), static_cast<uint64_t>(*rate)};
}

Result<model::RestartPolicy> parse_restart(std::string_view text) {
    model::RestartPolicy out;
    if (text.empty()) return out;
    size_t colon = text.find(':');
    out.name = text.substr(0, colon);
    if (colon == 0) return invalid("invalid restart policy format: no policy provided before colon");
    if (colon != text.npos) {
        auto count = parse_integer(text.substr(colon + 1));
        if (!count.ok() || *count > INT32_MAX)
            return invalid("invalid restart policy format: maximum retry count must be an integer");
        out.maximum_retry_count = static_cast<int>(*count);
    }
    return out;
}

Result<model::DeviceRequest> parse_gpus(std::string_view text) {
    model::DeviceRequest out;
    out.count = 1;
    bool counted = false, named = false;
    auto count_of = [](std::string_view value) -> std::optional<int> {
        if (value == "all") return -1;
        auto n = parse_integer(value);
        return n.ok() ? std::optional(static_cast<int>(*n)) : std::nullopt;
    };
    for (const std::string& field : TRY(split_csv(text))) {
        auto [key, value] = split_pair(field);
        if (field.find('=') == field.npos || key == "count") {
            auto n = count_of(field.find('=') == field.npos ? key : value);
            if (!n) return invalid_for("--gpus", text, "count must be an integer");
            out.count = *n;
            counted = true;
        } else if (key == "driver") {
            out.driver = value;
        } else if (key == "device") {
            for (std::string_view id : split(value, ',')) out.device_ids.emplace_back(id);
            named = true;
        } else if (key == "capabilities") {
            out.capabilities.push_back({"gpu"});
            for (std::string_view c : split(value, ','))
                if (c != "gpu") out.capabilities.back().emplace_back(c);
        } else if (key == "options") {
            for (std::string_view option : split(value, ',')) out.options.insert(split_pair(option));
        } else {
            return invalid_for("--gpus", text, "unexpected key '" + key + "' in '" + field + "'");
        }
    }
    if (named && !counted) out.count = 0;
    if (out.capabilities.empty()) out.capabilities.push_back({"gpu"});
    return out;
}

Result<int64_t> parse_cpus(std::string_view text) {
    size_t dot = text.find('.');
    std::string digits(text.substr(0, dot));
    std::string fraction(dot == text.npos ? "" : text.substr(dot + 1));
    if (fraction.size() > 9) return invalid_for("--cpus", text, "value is too precise");
    fraction.append(9 - fraction.size(), '0');
    auto value = parse_integer(digits + fraction);
    if (!value.ok())
        return invalid_for("--cpus", text, "failed to parse " + std::string(text) + " as a rational number");
    return value;
}

Result<std::string> parse_extra_host(std::string_view text) {
    size_t cut = text.find_first_of("=:");
    if (cut == text.npos || cut == 0 || cut + 1 == text.size())
        return invalid_for("--add-host", text, "bad format for add-host: \"" + std::string(text) + "\"");
    std::string_view address = text.substr(cut + 1);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    bool plausible = address == "host-gateway" || address.find_first_not_of("0123456789abcdefABCDEF.:") == address.npos;
    if (!plausible)
        return invalid_for("--add-host", text, "invalid IP address in add-host: \"" + std::string(address) + "\"");
    return std::string(text.substr(0, cut)) + ":" + std::string(address);
}

Result<std::vector<std::string>> read_security_options(const std::vector<std::string>& options, bool& unmask) {
    std::vector<std::string> out;
    for (const std::string& option : options) {
        size_t cut = option.find_first_of("=:");
        std::string name = option.substr(0, cut);
        std::string value = cut == option.npos ? "" : option.substr(cut + 1);
        if (cut == option.npos && name != "no-new-privileges" && name != "disable")
            return invalid("Invalid --security-opt: \"" + option + "\"");
        if (name == "systempaths" && value == "unconfined") {
            unmask = true;
            continue;
        }
        if (name == "seccomp" && value != "unconfined" && value != "builtin") {
            auto profile = sys::read_file(value);
            if (!profile.ok())
                return invalid("opening seccomp profile (" + value + ") failed: " +
                               (profile.error().kind() == ErrorKind::not_found
                                    ? "open " + value + ": no such file or directory"
                                    : profile.error().message()));
            auto parsed = json::parse(*profile);
            if (!parsed.ok())
                return invalid("compacting json for seccomp profile (" + value +
                               ") failed: " + parsed.error().message());
            out.push_back("seccomp=" + json::print(*parsed));
            continue;
        }
        out.push_back(option);
    }
    return out;
}

std::string joined(const std::vector<std::string>& parts, char between) {
    std::string out;
    for (const std::string& part : parts) {
        if (!out.empty()) out += between;
        out += part;
    }
    return out;
}

} // namespace hull::cli
