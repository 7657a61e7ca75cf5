#include "apps/hull/options/mounts.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <boost/json.hpp>

#include "apps/hull/cli/flags.h"
#include "apps/hull/format/human.h"
#include "sys/process.h"

namespace hull::cli {

namespace {

Result<std::string> absolute(const std::string& path) {
    if (!path.starts_with(".") && path != "~") return path;
    std::string out = TRY(sys::current_folder());
    std::string_view rest = path;
    while (!rest.empty()) {
        size_t slash = rest.find('/');
        std::string_view part = rest.substr(0, slash);
        rest = slash == rest.npos ? std::string_view{} : rest.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..")
            out.erase(out.rfind('/'));
        else
            out.append(out.ends_with('/') ? "" : "/").append(part);
        if (out.empty()) out = "/";
    }
    return out;
}

// A key without a value, or with a boolean one ("readonly", "ro=false").
Result<bool> truth_of(const std::string& key, bool has_value, const std::string& value) {
    if (!has_value) return true;
    auto parsed = parse_bool(value);
    if (!parsed.ok()) return invalid("invalid value for " + key + ": " + value);
    return parsed;
}

class MountParser {
public:
    Result<model::MountRequest> run(std::string_view text) {
        mount_.type = "volume";
        for (const std::string& part : TRY(split_csv(text))) {
            size_t equals = part.find('=');
            std::string key = part.substr(0, equals);
            std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
            bool has_value = equals != part.npos;
            TRY(one(key, has_value, has_value ? part.substr(equals + 1) : "", part));
        }
        return finish();
    }

private:
    model::BindOptions& bind() {
        if (!mount_.bind_options) mount_.bind_options.emplace();
        return *mount_.bind_options;
    }
    model::TmpfsOptions& tmpfs() {
        if (!mount_.tmpfs_options) mount_.tmpfs_options.emplace();
        return *mount_.tmpfs_options;
    }

    Result<void> one(const std::string& key, bool has_value, const std::string& value, const std::string& part) {
        if (key == "readonly" || key == "ro") {
            mount_.read_only = TRY(truth_of(key, has_value, value));
            return {};
        }
        if (key == "volume-nocopy") {
            volume_["NoCopy"] = TRY(truth_of(key, has_value, value));
            return {};
        }
        if (key == "bind-nonrecursive") {
            bind().non_recursive = TRY(truth_of(key, has_value, value));
            return {};
        }
        if (key == "bind-create-src") {
            bind().create_mountpoint = TRY(truth_of(key, has_value, value));
            return {};
        }
        if (!has_value) return invalid("invalid field '" + part + "' must be a key=value pair");
        if (key == "type") {
            mount_.type = value;
            std::ranges::transform(mount_.type, mount_.type.begin(), [](unsigned char c) { return std::tolower(c); });
        } else if (key == "source" || key == "src") {
            mount_.source = TRY(absolute(value));
        } else if (key == "target" || key == "dst" || key == "destination") {
            mount_.target = value;
        } else if (key == "consistency") {
            mount_.consistency = value;
        } else {
            return by_type(key, value, part);
        }
        return {};
    }

    Result<void> by_type(const std::string& key, const std::string& value, const std::string& part) {
        if (key == "bind-propagation") {
            bind().propagation = value;
        } else if (key == "bind-recursive") {
            if (value == "disabled")
                bind().non_recursive = true;
            else if (value == "writable")
                bind().read_only_non_recursive = true;
            else if (value == "readonly")
                bind().read_only_force_recursive = true;
            else if (value != "enabled")
                return invalid("invalid value for bind-recursive: " + value +
                               " (must be \"enabled\", \"disabled\", "
                               "\"writable\", or \"readonly\")");
        } else if (key == "tmpfs-size") {
            tmpfs().size_bytes = TRY(format::parse_bytes(value));
        } else if (key == "tmpfs-mode") {
            uint32_t mode = 0;
            auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), mode, 8);
            if (ec != std::errc{} || end != value.data() + value.size())
                return invalid("invalid value for tmpfs-mode: " + value);
            tmpfs().mode = mode;
        } else if (key == "volume-subpath" || key == "image-subpath") {
            volume_["Subpath"] = value;
        } else if (key == "volume-label") {
            add_pair(volume_, "Labels", value);
        } else if (key == "volume-driver") {
            driver_["Name"] = value;
        } else if (key == "volume-opt") {
            add_pair(driver_, "Options", value);
        } else {
            return invalid("unknown option '" + key + "' in '" + part + "'");
        }
        return {};
    }

    static void add_pair(boost::json::object& of, const char* member, const std::string& text) {
        boost::json::value& map = of[member];
        if (!map.is_object()) map.emplace_object();
        size_t equals = text.find('=');
        map.get_object()[text.substr(0, equals)] = equals == text.npos ? "" : text.substr(equals + 1);
    }

    Result<model::MountRequest> finish() {
        if (mount_.type.empty()) return invalid("type is required");
        if (mount_.target.empty()) return invalid("target is required");
        if (!driver_.empty()) volume_["DriverConfig"] = driver_;
        bool is_volume = mount_.type == "volume" || mount_.type == "image";
        if (!volume_.empty() && !is_volume)
            return invalid("cannot mix 'volume-*' options with mount type '" + mount_.type + "'");
        if (mount_.bind_options && mount_.type != "bind")
            return invalid("cannot mix 'bind-*' options with mount type '" + mount_.type + "'");
        if (mount_.tmpfs_options && mount_.type != "tmpfs")
            return invalid("cannot mix 'tmpfs-*' options with mount type '" + mount_.type + "'");
        if (!volume_.empty()) mount_.volume_options = boost::json::serialize(volume_);
        return std::move(mount_);
    }

    model::MountRequest mount_;
    boost::json::object volume_, driver_;
};

} // namespace

Result<std::vector<std::string>> split_csv(std::string_view line) {
    std::vector<std::string> out;
    std::string field;
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
        char c = line[i];
        if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
            field += '"';
            ++i;
        } else if (quoted && c == '"') {
            quoted = false;
        } else if (quoted) {
            field += c;
        } else if (c == '"' && field.empty()) {
            quoted = true;
        } else if (c == '"') {
            return invalid("parse error on line 1, column " + std::to_string(i + 1) + ": bare \" in non-quoted-field");
        } else if (c == ',') {
            out.push_back(std::exchange(field, {}));
        } else {
            field += c;
        }
    }
    if (quoted)
        return invalid("parse error on line 1, column " + std::to_string(line.size()) +
                       ": extraneous or missing \" in quoted-field");
    out.push_back(std::move(field));
    return out;
}

Result<Volume> parse_volume(std::string_view text) {
    if (text.empty()) return invalid("invalid empty volume spec");
    if (text.find(':') == text.npos) return Volume{{}, std::string(text)};
    std::vector<std::string_view> parts;
    for (std::string_view rest = text;;) {
        size_t colon = rest.find(':');
        parts.push_back(rest.substr(0, colon));
        if (colon == rest.npos) break;
        rest.remove_prefix(colon + 1);
    }
    if (std::ranges::any_of(parts, [](std::string_view p) { return p.empty(); }))
        return invalid("invalid spec: " + std::string(text) + ": empty section between colons");
    if (parts.size() > 3) return invalid("invalid spec: " + std::string(text) + ": too many colons");
    std::string source = TRY(absolute(std::string(parts[0])));
    return Volume{source + std::string(text.substr(parts[0].size())), {}};
}

Result<model::MountRequest> parse_mount(std::string_view text) {
    auto mount = MountParser().run(text);
    if (!mount.ok())
        return invalid("invalid argument \"" + std::string(text) +
                       "\" for \"--mount\" flag: " + mount.error().message());
    return mount;
}

Result<std::pair<std::string, std::string>> parse_tmpfs(std::string_view text) {
    size_t colon = text.find(':');
    std::string path(text.substr(0, colon));
    if (path.empty()) return invalid("invalid argument \"" + std::string(text) + "\" for \"--tmpfs\" flag: no path");
    return std::pair{path, colon == text.npos ? std::string() : std::string(text.substr(colon + 1))};
}

} // namespace hull::cli
