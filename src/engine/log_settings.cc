#include "engine/log_settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include <re2/re2.h>

#include "engine/log_tag.h"

namespace hull::engine {
namespace {

using model::Labels;

constexpr const char* kDefaultTag = "{{.ID}}";

// Values of the labels or variables that a comma-separated option names.
void add_labels(const std::string& names, const Labels& labels, std::map<std::string, std::string>& out) {
    size_t begin = 0;
    while (begin <= names.size()) {
        size_t end = std::min(names.find(',', begin), names.size());
        if (auto found = labels.find(names.substr(begin, end - begin)); found != labels.end())
            out[found->first] = found->second;
        begin = end + 1;
    }
}

Result<void> add_matching(const std::string& pattern, const Labels& labels, std::map<std::string, std::string>& out) {
    if (pattern.empty()) return {};
    RE2 matcher(pattern, RE2::Quiet);
    if (!matcher.ok()) return invalid("error parsing regexp: " + matcher.error() + ": `" + pattern + "`");
    for (const auto& [name, value] : labels)
        if (RE2::PartialMatch(name, matcher)) out[name] = value;
    return {};
}

Labels as_labels(const model::StringList& env) {
    Labels labels;
    for (const std::string& entry : env)
        if (size_t equals = entry.find('='); equals != std::string::npos)
            labels[entry.substr(0, equals)] = entry.substr(equals + 1);
    return labels;
}

enum class Driver : unsigned char { none, json_file, local, remote };

struct DriverName {
    const char* name;
    Driver driver;
};
constexpr std::array kDrivers = {DriverName{"fluentd", Driver::remote},      DriverName{"journald", Driver::remote},
                                 DriverName{"json-file", Driver::json_file}, DriverName{"local", Driver::local},
                                 DriverName{"none", Driver::none},           DriverName{"syslog", Driver::remote}};

class Reader {
public:
    Reader(const model::ContainerSettings& settings, Driver driver)
        : settings_(settings), options_(settings.host_config.log_config.config),
          name_(settings.host_config.log_config.type.empty() ? "json-file" : settings.host_config.log_config.type),
          driver_(driver) {}

    Result<LogSettings> read() {
        TRY(check_names());
        TRY(check_mode());
        if (driver_ != Driver::json_file) {
            constexpr uint64_t kCacheBytes = 20U << 20;
            out_.max_bytes = kCacheBytes;
            out_.compress = true;
        }
        TRY(read_files(driver_ == Driver::remote ? "cache-" : ""));
        TRY(read_attributes());
        std::string tag = text("tag");
        if (driver_ == Driver::remote) {
            TRY(read_target(tag.empty() ? kDefaultTag : tag));
        } else if (tag = TRY(log_tag(tag, settings_)); !tag.empty()) {
            out_.attributes["tag"] = tag;
        }
        return std::move(out_);
    }

private:
    std::string text(const std::string& name) const {
        auto found = options_.find(name);
        return found == options_.end() ? std::string() : found->second;
    }

    bool knows(const std::string& name) const {
        constexpr std::array<std::string_view, 5> attributes = {"tag", "labels", "labels-regex", "env", "env-regex"};
        constexpr std::array<std::string_view, 3> files = {"max-size", "max-file", "compress"};
        constexpr std::array<std::string_view, 4> cache = {"cache-disabled", "cache-max-size", "cache-max-file",
                                                           "cache-compress"};
        if (name == "mode" || name == "max-buffer-size") return true;
        if (std::ranges::find(attributes, name) != attributes.end()) return true;
        if (driver_ != Driver::remote) return std::ranges::find(files, name) != files.end();
        return std::ranges::find(cache, name) != cache.end() || logs::knows_option(name_, name);
    }

    Result<void> check_names() const {
        for (const auto& [name, value] : options_) {
            if (knows(name)) continue;
            if (driver_ == Driver::local) return invalid("unknown log opt '" + name + "' for log driver local");
            return invalid("unknown log opt '" + name + "' for " + name_ + " log driver");
        }
        return {};
    }

    // Our keeper never waits for anybody but the disk, so both modes are the same.
    Result<void> check_mode() const {
        std::string mode = text("mode");
        if (!mode.empty() && mode != "blocking" && mode != "non-blocking")
            return invalid("logger: logging mode not supported: " + mode);
        if (!options_.contains("max-buffer-size")) return {};
        if (mode != "non-blocking")
            return invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
        TRY(parse_size(text("max-buffer-size")).context("error parsing option max-buffer-size"));
        return {};
    }

    Result<bool> is_on(const std::string& name, bool otherwise) const {
        std::string value = text(name);
        if (value.empty()) return otherwise;
        for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
            if (value == yes) return true;
        for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
            if (value == no) return false;
        return invalid("invalid value for " + name + ": strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
    }

    Result<void> read_files(const std::string& prefix) {
        if (std::string size = text(prefix + "max-size"); size == "-1") {
            out_.max_bytes = 0;
        } else if (!size.empty()) {
            out_.max_bytes = TRY(parse_size(size));
            if (out_.max_bytes == 0) return invalid(prefix + "max-size must be a positive number");
        }
        if (std::string count = text(prefix + "max-file"); !count.empty()) {
            char* end = nullptr;
            long number = std::strtol(count.c_str(), &end, 10);
            if (*end != '\0' || number < 1 || number > 10'000)
                return invalid(prefix + "max-file cannot be less than 1");
            out_.max_files = static_cast<unsigned>(number);
        }
        bool can_compress = out_.max_files > 1 && out_.max_bytes != 0;
        bool asked = TRY(is_on(prefix + "compress", out_.compress));
        if (asked && !can_compress && options_.contains(prefix + "compress"))
            return invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
        out_.compress = asked && can_compress;
        out_.readable = !TRY(is_on("cache-disabled", false));
        return {};
    }

    Result<void> read_attributes() {
        Labels env = as_labels(settings_.config.env);
        add_labels(text("labels"), settings_.config.labels, out_.attributes);
        TRY(add_matching(text("labels-regex"), settings_.config.labels, out_.attributes));
        add_labels(text("env"), env, out_.attributes);
        return add_matching(text("env-regex"), env, out_.attributes);
    }

    Result<void> read_target(const std::string& tag) {
        logs::TargetSpec& target = out_.target;
        target.driver = name_;
        for (const auto& [name, value] : options_)
            if (logs::knows_option(name_, name)) target.options[name] = value;
        target.tag = TRY(log_tag(tag, settings_));
        target.container_id = settings_.id;
        target.container_name = settings_.name;
        target.image_name = settings_.config.image;
        target.attributes = out_.attributes;
        TRY(logs::make_target(target));
        return {};
    }

    const model::ContainerSettings& settings_;
    const std::map<std::string, std::string>& options_;
    std::string name_;
    Driver driver_;
    LogSettings out_;
};

} // namespace

Result<uint64_t> parse_size(const std::string& text) {
    char* end = nullptr;
    double value = std::strtod(text.c_str(), &end);
    std::string_view unit = end;
    int shift = 0;
    if (!unit.empty()) {
        constexpr std::string_view kUnits = "bkmgtp";
        size_t at = kUnits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(unit[0]))));
        std::string_view rest = unit.substr(1);
        bool good = rest.empty() || rest == "b" || rest == "B" || rest == "iB" || rest == "ib";
        if (at == std::string_view::npos || !good)
            return Error(ErrorKind::invalid_argument, "invalid size: '" + text + "'");
        shift = static_cast<int>(at) * 10;
    }
    const double bytes = value * static_cast<double>(uint64_t{1} << shift);
    // Written so that what is no number is none.
    if (end == text.c_str() || !(bytes >= 0 && bytes < 0x1p63))
        return Error(ErrorKind::invalid_argument, "invalid size: '" + text + "'");
    return static_cast<uint64_t>(bytes);
}

Result<LogSettings> log_settings(const model::ContainerSettings& settings) {
    const model::LogConfig& log = settings.host_config.log_config;
    std::string_view type = log.type.empty() ? "json-file" : std::string_view(log.type);
    const auto* known =
        std::ranges::find(kDrivers, type, [](const DriverName& one) { return std::string_view(one.name); });
    if (known == kDrivers.end())
        return invalid("error looking up logging plugin " + log.type + ": plugin \"" + log.type + "\" not found");
    if (known->driver == Driver::none) {
        LogSettings none;
        none.enabled = none.readable = false;
        return none;
    }
    return Reader(settings, known->driver).read();
}

std::vector<std::string> log_drivers() {
    std::vector<std::string> names;
    for (const DriverName& one : kDrivers) names.emplace_back(one.name);
    return names;
}

} // namespace hull::engine
