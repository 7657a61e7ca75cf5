#include "engine/log_settings.h"

#include <cctype>
#include <cstdlib>
#include <string_view>

namespace hull::engine {
namespace {

// Values of the labels or variables that a comma-separated option names.
void add_labels(const std::string& names, const model::Labels& labels, std::map<std::string, std::string>& out) {
    size_t begin = 0;
    while (begin <= names.size()) {
        size_t end = std::min(names.find(',', begin), names.size());
        if (auto found = labels.find(names.substr(begin, end - begin)); found != labels.end())
            out[found->first] = found->second;
        begin = end + 1;
    }
}

model::Labels as_labels(const model::StringList& env) {
    model::Labels labels;
    for (const std::string& entry : env)
        if (size_t equals = entry.find('='); equals != std::string::npos)
            labels[entry.substr(0, equals)] = entry.substr(equals + 1);
    return labels;
}

Result<void> apply(const std::string& name, const std::string& value, const model::ContainerConfig& config,
                   LogSettings& out) {
    if (name == "max-size") {
        if (value == "-1") {
            out.max_bytes = 0;
            return {};
        }
        out.max_bytes = TRY(parse_size(value));
        if (out.max_bytes == 0) return Error(ErrorKind::invalid_argument, "max-size must be a positive number");
    } else if (name == "max-file") {
        char* end = nullptr;
        long count = std::strtol(value.c_str(), &end, 10);
        if (value.empty() || *end != '\0' || count < 1 || count > 10'000)
            return Error(ErrorKind::invalid_argument, "max-file cannot be less than 1");
        out.max_files = static_cast<unsigned>(count);
    } else if (name == "labels") {
        add_labels(value, config.labels, out.attributes);
    } else if (name == "env") {
        add_labels(value, as_labels(config.env), out.attributes);
    } else if (name == "tag") {
        if (value.find("{{") != std::string::npos)
            return Error(ErrorKind::unsupported, "templates in log tags are not supported");
        if (!value.empty()) out.attributes["tag"] = value;
    } else if (name == "mode") {
        if (value == "non-blocking") return Error(ErrorKind::unsupported, "log mode non-blocking is not supported");
        if (value != "blocking" && !value.empty())
            return Error(ErrorKind::invalid_argument, "logger: logging mode not supported: " + value);
    } else if (name == "compress") {
        if (value == "true" || value == "1")
            return Error(ErrorKind::unsupported, "compressed log files are not supported");
        if (value != "false" && value != "0")
            return Error(ErrorKind::invalid_argument, "invalid value for compress: " + value);
    } else if (name == "labels-regex" || name == "env-regex" || name == "max-buffer-size") {
        return Error(ErrorKind::unsupported, "log opt '" + name + "' is not supported");
    } else {
        return Error(ErrorKind::invalid_argument, "unknown log opt '" + name + "' for json-file log driver");
    }
    return {};
}

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
    if (end == text.c_str() || value < 0 || value > 1e15)
        return Error(ErrorKind::invalid_argument, "invalid size: '" + text + "'");
    return static_cast<uint64_t>(value * static_cast<double>(uint64_t{1} << shift));
}

Result<LogSettings> log_settings(const model::LogConfig& log, const model::ContainerConfig& config) {
    LogSettings out;
    if (log.type == "none") {
        out.enabled = false;
        return out;
    }
    if (!log.type.empty() && log.type != "json-file")
        return Error(ErrorKind::invalid_argument, "logger: no log driver named '" + log.type + "' is registered");
    for (const auto& [name, value] : log.config) TRY(apply(name, value, config, out));
    return out;
}

} // namespace hull::engine
