#include "image/changes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "codec/json.h"
#include "image/words.h"

namespace hull::image {

namespace {

using model::ContainerConfig;
using model::StringList;

std::string_view trim(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
    return text;
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

void add_once(StringList& list, std::string item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

// ["a", "b"]; nullopt: it isn't an array of texts, so it is for the shell.
std::optional<StringList> json_form(std::string_view text) {
    if (!text.starts_with('[')) return std::nullopt;
    auto value = json::parse(text);
    if (!value.ok()) return std::nullopt;
    auto list = json::decode<StringList>(*value);
    if (!list.ok()) return std::nullopt;
    return std::move(list).value();
}

StringList command(const ContainerConfig& config, std::string_view text) {
    if (auto list = json_form(text)) return *list;
    StringList words = config.shell.value_or(StringList{"/bin/sh", "-c"});
    words.emplace_back(text);
    return words;
}

// What an instruction changes, and what $variables are.
struct Change {
    ContainerConfig& config;
    const StringList& env;
    char escape;
    Result<StringList> words(std::string_view text) const { return split_words(text, env, escape); }
    Result<std::string> word(std::string_view text) const { return expand_word(text, env, escape); }
};

// "k=v k2=v2", or the old "k the rest"; as they stand.
Result<std::vector<std::pair<std::string_view, std::string_view>>> raw_pairs(std::string_view name,
                                                                             std::string_view text, char escape) {
    std::vector<std::pair<std::string_view, std::string_view>> out;
    auto words = raw_words(text, escape);
    if (words.empty()) return out;
    if (words.front().find('=') == text.npos) {
        size_t blank = text.find_first_of(" \t");
        if (blank == text.npos) return invalid(std::string(name) + " must have two arguments");
        out.emplace_back(text.substr(0, blank), trim(text.substr(blank)));
        return out;
    }
    for (std::string_view word : words) {
        size_t equals = word.find('=');
        if (equals == word.npos)
            return invalid("Syntax error - can't find = in \"" + std::string(word) +
                           "\". Must be of the form: name=value");
        if (equals == 0) return invalid(std::string(name) + " names can not be blank");
        out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return out;
}

Result<std::vector<std::pair<std::string, std::string>>> pairs(std::string_view name, std::string_view text,
                                                               const Change& change) {
    std::vector<std::pair<std::string, std::string>> out;
    auto raw = TRY(raw_pairs(name, text, change.escape));
    for (const auto& [raw_key, raw_value] : raw) {
        std::string key = TRY(change.word(raw_key));
        std::string value = TRY(change.word(raw_value));
        out.emplace_back(std::move(key), std::move(value));
    }
    return out;
}

Result<void> change_cmd(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    config.cmd = command(config, text);
    return {};
}

Result<void> change_entrypoint(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    config.entrypoint = text.empty() ? StringList() : command(config, text);
    return {};
}

Result<void> change_env(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    auto list = TRY(pairs("ENV", text, change));
    for (auto& [key, value] : list) {
        std::string entry = key + "=" + value;
        auto it = std::find_if(config.env.begin(), config.env.end(),
                               [&](const std::string& e) { return e.starts_with(key + "="); });
        if (it != config.env.end())
            *it = std::move(entry);
        else
            config.env.push_back(std::move(entry));
    }
    return {};
}

Result<void> change_label(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    auto list = TRY(pairs("LABEL", text, change));
    for (auto& [key, value] : list) config.labels.insert_or_assign(std::move(key), std::move(value));
    return {};
}

std::optional<unsigned> port_number(std::string_view text) {
    unsigned value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > 65535) return std::nullopt;
    return value;
}

Result<void> change_expose(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    StringList words = TRY(split_values(text, change.env, change.escape));
    if (words.empty()) return invalid("EXPOSE requires at least one argument");
    for (std::string_view word : words) {
        size_t slash = word.find('/');
        std::string protocol = slash == word.npos ? "tcp" : std::string(word.substr(slash + 1));
        std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return invalid("invalid proto: " + protocol);
        std::string_view range = word.substr(0, slash);
        size_t dash = range.find('-');
        auto first = port_number(range.substr(0, dash));
        auto last = dash == range.npos ? first : port_number(range.substr(dash + 1));
        if (!first || !last || *first > *last) return invalid("invalid containerPort: " + std::string(range));
        for (unsigned port = *first; port <= *last; ++port)
            add_once(config.exposed_ports, std::to_string(port) + "/" + protocol);
    }
    std::sort(config.exposed_ports.begin(), config.exposed_ports.end());
    return {};
}

Result<void> change_user(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    StringList words = TRY(change.words(text));
    if (words.size() != 1) return invalid("USER requires exactly one argument");
    config.user = words[0];
    return {};
}

Result<void> change_volume(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    StringList list;
    if (auto form = json_form(text))
        list = std::move(*form);
    else
        list = TRY(change.words(text));
    if (list.empty()) return invalid("VOLUME requires at least one argument");
    for (std::string& path : list) {
        if (trim(path).empty()) return invalid("VOLUME specified can not be an empty string");
        add_once(config.volumes, std::string(trim(path)));
    }
    std::sort(config.volumes.begin(), config.volumes.end());
    return {};
}

Result<void> change_workdir(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    std::string path = TRY(change.word(text));
    if (path.empty()) return invalid("WORKDIR requires exactly one argument");
    if (!path.starts_with('/')) path = (config.working_dir.empty() ? "" : config.working_dir) + "/" + path;
    // Cleaned as text: the folder may not exist yet.
    std::vector<std::string_view> parts;
    for (std::string_view rest = path; !rest.empty();) {
        size_t slash = std::min(rest.find('/'), rest.size());
        std::string_view part = rest.substr(0, slash);
        rest.remove_prefix(std::min(slash + 1, rest.size()));
        if (part == ".." && !parts.empty()) parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    }
    config.working_dir.clear();
    for (std::string_view part : parts) config.working_dir.append("/").append(part);
    if (config.working_dir.empty()) config.working_dir = "/";
    return {};
}

bool is_signal(std::string_view text) {
    static constexpr std::array names = {"ABRT", "ALRM",   "BUS",  "CHLD",   "CLD",   "CONT", "FPE",  "HUP",  "ILL",
                                         "INT",  "IO",     "IOT",  "KILL",   "PIPE",  "POLL", "PROF", "PWR",  "QUIT",
                                         "SEGV", "STKFLT", "STOP", "SYS",    "TERM",  "TRAP", "TSTP", "TTIN", "TTOU",
                                         "URG",  "USR1",   "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ"};
    if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front()))) {
        auto number = port_number(text);
        return number && *number >= 1 && *number <= 64;
    }
    std::string name = upper(text);
    std::string_view bare = name;
    if (bare.starts_with("SIG")) bare.remove_prefix(3);
    if (bare.starts_with("RTMIN") || bare.starts_with("RTMAX")) {
        bare.remove_prefix(5);
        return bare.empty() || ((bare[0] == '+' || bare[0] == '-') && port_number(bare.substr(1)).value_or(99) <= 15);
    }
    return std::find(names.begin(), names.end(), bare) != names.end();
}

Result<void> change_stopsignal(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    std::string name = TRY(change.word(text));
    if (!is_signal(name)) return invalid("invalid signal: " + name);
    config.stop_signal = std::move(name);
    return {};
}

Result<void> change_onbuild(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    std::string word = upper(text.substr(0, text.find_first_of(" \t")));
    if (word == "ONBUILD") return invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (word == "FROM" || word == "MAINTAINER") return invalid(word + " isn't allowed as an ONBUILD trigger");
    if (text.empty()) return invalid("ONBUILD requires at least one argument");
    config.on_build.emplace_back(text);
    return {};
}

Result<void> health_flag(model::Healthcheck& check, std::string_view flag) {
    size_t equals = flag.find('=');
    std::string_view name = flag.substr(0, equals);
    std::string_view value = equals == flag.npos ? std::string_view() : flag.substr(equals + 1);
    if (name == "--retries") {
        auto number = port_number(value);
        if (!number) return invalid("HEALTHCHECK --retries must be a number");
        check.retries = static_cast<int>(*number);
        return {};
    }
    int64_t* into = name == "--interval"         ? &check.interval
                    : name == "--timeout"        ? &check.timeout
                    : name == "--start-period"   ? &check.start_period
                    : name == "--start-interval" ? &check.start_interval
                                                 : nullptr;
    if (!into) return invalid("Unknown flag: " + std::string(name.substr(std::min<size_t>(2, name.size()))));
    *into = TRY(parse_duration(value));
    if (*into != 0 && *into < 1'000'000) return invalid("Interval " + std::string(name) + " cannot be less than 1ms");
    return {};
}

Result<void> change_healthcheck(const Change& change, std::string_view text) {
    ContainerConfig& config = change.config;
    model::Healthcheck check;
    while (text.starts_with("--")) {
        size_t end = std::min(text.find_first_of(" \t"), text.size());
        TRY(health_flag(check, text.substr(0, end)));
        text = trim(text.substr(end));
    }
    size_t end = std::min(text.find_first_of(" \t"), text.size());
    std::string type = upper(text.substr(0, end));
    std::string_view rest = trim(text.substr(end));
    if (type == "NONE") {
        if (!rest.empty()) return invalid("HEALTHCHECK NONE takes no arguments");
        check.test = {"NONE"};
    } else if (type == "CMD") {
        if (rest.empty()) return invalid("Missing command after HEALTHCHECK CMD");
        if (auto list = json_form(rest)) {
            check.test = {"CMD"};
            check.test.insert(check.test.end(), list->begin(), list->end());
        } else {
            check.test = {"CMD-SHELL", std::string(rest)};
        }
    } else {
        return invalid("Unknown type \"" + type + "\" in HEALTHCHECK (try CMD)");
    }
    config.healthcheck = std::move(check);
    return {};
}

struct Instruction {
    std::string_view name;
    Result<void> (*apply)(const Change&, std::string_view);
};
constexpr Instruction instructions[] = {
    {"CMD", change_cmd},         {"ENTRYPOINT", change_entrypoint},   {"ENV", change_env},
    {"EXPOSE", change_expose},   {"HEALTHCHECK", change_healthcheck}, {"LABEL", change_label},
    {"ONBUILD", change_onbuild}, {"STOPSIGNAL", change_stopsignal},   {"USER", change_user},
    {"VOLUME", change_volume},   {"WORKDIR", change_workdir},
};

} // namespace

Result<void> apply_instruction(ContainerConfig& config, std::string_view name, std::string_view text,
                               const StringList& env, char escape) {
    for (const Instruction& instruction : instructions) {
        if (instruction.name != name) continue;
        if (text.empty() && name != "CMD" && name != "ENTRYPOINT")
            return invalid(std::string(name) + " requires at least one argument");
        return instruction.apply({config, env, escape}, text);
    }
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return invalid(lower + " is not a valid change command");
}

Result<void> check_instruction(std::string_view name, std::string_view text, char escape) {
    if (name == "ENV" || name == "LABEL") {
        if (text.empty()) return invalid(std::string(name) + " requires at least one argument");
        TRY(raw_pairs(name, text, escape));
        return {};
    }
    bool verbatim = name == "HEALTHCHECK" || name == "ONBUILD" || name == "CMD" || name == "ENTRYPOINT";
    if (!verbatim && text.find('$') != text.npos) return {};
    ContainerConfig scratch;
    return apply_instruction(scratch, name, text, {}, escape);
}

Result<void> apply_changes(ContainerConfig& config, const std::vector<std::string>& changes) {
    for (std::string_view text : changes) {
        while (!text.empty()) {
            size_t newline = std::min(text.find('\n'), text.size());
            std::string_view line = trim(text.substr(0, newline));
            text.remove_prefix(std::min(newline + 1, text.size()));
            if (line.empty() || line.starts_with('#')) continue;
            size_t end = std::min(line.find_first_of(" \t"), line.size());
            const StringList env = config.env; // as it was before the line
            TRY(apply_instruction(config, upper(line.substr(0, end)), trim(line.substr(end)), env));
        }
    }
    return {};
}

Result<int64_t> parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        double ns;
    };
    static constexpr Unit units[] = {{"ns", 1},  {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"ms", 1e6},
                                     {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    const std::string quoted = "\"" + std::string(text) + "\"";
    if (text == "0") return 0;
    if (text.empty()) return invalid("time: invalid duration " + quoted);
    double total = 0;
    while (!text.empty()) {
        double value = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
        if (error != std::errc() || value < 0) return invalid("time: invalid duration " + quoted);
        text.remove_prefix(static_cast<size_t>(end - text.data()));
        // The longest name that fits: "ms" before "m".
        const Unit* unit = nullptr;
        for (const Unit& u : units)
            if (text.starts_with(u.name) && (!unit || u.name.size() > unit->name.size())) unit = &u;
        if (!unit) return invalid("time: missing unit in duration " + quoted);
        text.remove_prefix(unit->name.size());
        total += value * unit->ns;
    }
    if (total > 9.2e18) return invalid("time: invalid duration " + quoted);
    return static_cast<int64_t>(total + 0.5);
}

} // namespace hull::image
