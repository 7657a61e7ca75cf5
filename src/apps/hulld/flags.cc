#include "apps/hulld/flags.h"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>

#include "codec/json.h"

namespace hull {

namespace {

using enum FlagKind;

constexpr auto table = std::to_array<Flag>({
    {"add-runtime", 0, list, "runtimes", "Further OCI runtime of containers: name=path", ""},
    {"bip", 0, text, "", "Address of the bridge, with its subnet", ""},
    {"bridge", 'b', text, "", "Bridge device to attach containers to; \"none\" for no bridge network", "hull0"},
    {"cdi-spec-dir", 0, list, "cdi-spec-dirs", "Directory of CDI files (default /etc/cdi, /var/run/cdi)", ""},
    {"cgroup-parent", 0, text, "", "Parent cgroup of all containers", "/hull"},
    {"config-file", 0, text, "", "Configuration file", "/etc/hull/daemon.json"},
    {"data-root", 0, text, "", "Directory of what lasts: images, containers, records", "/var/lib/hull"},
    {"debug", 'D', boolean, "", "Log more", ""},
    {"default-cgroupns-mode", 0, text, "", "Cgroup namespace of containers (\"host\" | \"private\")", "private"},
    {"default-gateway", 0, text, "", "Gateway of containers on the bridge (IPv4 address)", ""},
    {"default-ipc-mode", 0, text, "", "IPC namespace of containers (\"shareable\" | \"private\")", "private"},
    {"default-runtime", 0, text, "", "OCI runtime of containers that name none", "hull"},
    {"default-shm-size", 0, text, "", "Size of /dev/shm in containers", "64MiB"},
    {"default-ulimit", 0, list, "default-ulimits", "Limits of containers: name=soft[:hard]", ""},
    {"dns", 0, list, "", "DNS server of containers", ""},
    {"dns-opt", 0, list, "dns-opts", "DNS option of containers", ""},
    {"dns-search", 0, list, "", "DNS search domain of containers", ""},
    {"docker-socket", 0, boolean, "", "Listen on /var/run/docker.sock too, for clients that look for Docker there", ""},
    {"exec-opt", 0, list, "exec-opts", "Runtime option: native.cgroupdriver=cgroupfs", ""},
    {"exec-root", 0, text, "", "Directory of what lasts until the next boot", "/run/hull"},
    {"fixed-cidr", 0, text, "", "Part of the bridge's subnet that containers get addresses from", ""},
    {"group", 'G', text, "", "Group of the unix socket (default: hull, else docker, else root)", ""},
    {"help", 'h', boolean, "", "Print usage", ""},
    {"host", 'H', list, "hosts",
     "Socket to listen on: unix:///path, fd:// or tcp://host:port (default unix://<exec-root>/hull.sock)", ""},
    {"http-proxy", 0, text, "", "Proxy for registries without TLS (default: from the environment)", ""},
    {"https-proxy", 0, text, "", "Proxy for registries (default: from the environment)", ""},
    {"icc", 0, boolean, "", "Containers on the bridge may talk to each other", "true"},
    {"init", 0, boolean, "", "Run an init in containers that forwards signals and reaps processes", ""},
    {"init-path", 0, text, "", "Path of that init", ""},
    {"insecure-registry", 0, list, "insecure-registries",
     "Registry that may be asked without TLS or with any certificate: host[:port] or CIDR", ""},
    {"ip-forward", 0, boolean, "", "Turn on net.ipv4.ip_forward", "true"},
    {"ip-masq", 0, boolean, "", "Masquerade what leaves the bridge", "true"},
    {"iptables", 0, boolean, "", "Make firewall rules (nftables)", "true"},
    {"label", 0, list, "labels", "Label of the engine: key=value", ""},
    {"live-restore", 0, boolean, "", "Containers run on while the engine is down (always so)", "true"},
    {"log-driver", 0, text, "", "Log driver of containers (json-file, local, journald, syslog, fluentd, none)",
     "json-file"},
    {"log-format", 0, text, "", "Format of the engine's log (\"text\" | \"json\" | \"journald\")", "text"},
    {"log-level", 'l', text, "", "(\"debug\" | \"info\" | \"warn\" | \"error\" | \"fatal\")", "info"},
    {"log-opt", 0, map, "log-opts", "Log driver option of containers: key=value", ""},
    {"max-concurrent-downloads", 0, number, "", "Layers that are pulled at the same time", "3"},
    {"max-concurrent-uploads", 0, number, "", "Layers that are pushed at the same time", "5"},
    {"metrics-addr", 0, text, "", "Address (host:port) to serve Prometheus metrics on, without TLS", ""},
    {"mtu", 0, number, "", "MTU of the bridge network", "1500"},
    {"no-proxy", 0, text, "", "Hosts that are reached without a proxy (default: from the environment)", ""},
    {"no-new-privileges", 0, boolean, "", "Set no_new_privs in all containers", ""},
    {"pidfile", 'p', text, "", "File to write the process id to (default <exec-root>/hulld.pid)", ""},
    {"registry-mirror", 0, list, "registry-mirrors",
     "Mirror of Docker Hub (URL) or of another registry (registry=URL), asked first", ""},
    {"seccomp-profile", 0, text, "", "Seccomp profile of containers: a file, \"builtin\" or \"unconfined\"", "builtin"},
    {"shutdown-timeout", 0, number, "", "Seconds that requests under way get when the engine stops", "15"},
    {"storage-driver", 's', text, "", "Storage driver (\"overlay2\")", "overlay2"},
    {"tls", 0, boolean, "", "Use TLS; on TCP clients are always verified", ""},
    {"tlscacert", 0, text, "", "Trust only clients whose certificate this authority has signed", "/etc/hull/ca.pem"},
    {"tlscert", 0, text, "", "Certificate of the engine", "/etc/hull/cert.pem"},
    {"tlskey", 0, text, "", "Key of that certificate", "/etc/hull/key.pem"},
    {"tlsverify", 0, boolean, "", "Use TLS and verify clients, as tcp:// needs it", ""},
    {"trace-start", 0, boolean, "", "Log how long each step of each container's start took", ""},
    {"userns-remap", 0, text, "",
     "\"default\": every container has user ids of its own; \"host\": containers share the host's", "default"},
    {"validate", 0, boolean, "", "Check flags and configuration file, then exit", ""},
    {"version", 'v', boolean, "", "Print the version", ""},
});

constexpr std::string_view see_help = "\nSee 'hulld --help'.";

Error usage_error(std::string text) { return Error(ErrorKind::invalid_argument, text.append(see_help)); }

std::string spelled(const Flag& flag) {
    std::string text;
    if (flag.letter) text = std::string("-") + flag.letter + ", ";
    return text.append("--").append(flag.name);
}

std::string_view key_of(const Flag& flag) { return flag.file_key.empty() ? flag.name : flag.file_key; }

bool is_boolean(std::string_view text) {
    static constexpr std::string_view known[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                                 "0", "f", "F", "false", "FALSE", "False"};
    return std::find(std::begin(known), std::end(known), text) != std::end(known);
}

Result<void> check_flag(const Flag& flag, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        std::string start = "invalid argument \"" + value + "\" for \"" + spelled(flag) + "\" flag: ";
        if (flag.kind == boolean && !is_boolean(value))
            return usage_error(start + "strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
        if (flag.kind == number &&
            (value.empty() || value.size() > 9 || value.find_first_not_of("0123456789", value[0] == '-') != value.npos))
            return usage_error(start + "strconv.ParseInt: parsing \"" + value + "\": invalid syntax");
    }
    return {};
}

std::string joined(const std::vector<std::string>& values) {
    if (values.size() == 1) return values.front();
    std::string text = "[";
    for (const std::string& value : values) text.append(text.size() > 1 ? " " : "").append(value);
    return text + "]";
}

// {"name": {"path": "crun", "runtimeArgs": ["--debug"]}} as name=path and, each
// on a line of its own, the arguments.
Result<std::vector<std::string>> runtime_values(const json::Object& runtimes) {
    std::vector<std::string> out;
    for (const auto& [name, value] : runtimes) {
        auto wrong = [&](const std::string& why) {
            return invalid("the directive runtimes: " + std::string(name) + ": " + why);
        };
        if (!value.is_object()) return wrong("not an object");
        std::string text = std::string(name) + "=", arguments;
        for (const auto& [key, one] : value.get_object()) {
            if (key == "path" && one.is_string()) {
                text += one.get_string();
            } else if (key == "runtimeArgs" && one.is_array()) {
                for (const json::Value& word : one.get_array()) {
                    if (!word.is_string()) return wrong("runtimeArgs is not a list of strings");
                    arguments += "\n" + std::string(word.get_string());
                }
            } else {
                return wrong("\"" + std::string(key) + "\" is not supported; path and runtimeArgs are");
            }
        }
        out.push_back(text + arguments);
    }
    return out;
}

// One value of the file as the texts that flags would have given.
Result<std::vector<std::string>> file_values(const Flag& flag, const json::Value& value) {
    auto wrong = [&](const char* wanted) {
        return Error(ErrorKind::invalid_argument, "the directive " + std::string(key_of(flag)) + " is not " + wanted);
    };
    std::vector<std::string> out;
    switch (flag.kind) {
    case boolean:
        if (!value.is_bool()) return wrong("true or false");
        out.emplace_back(value.get_bool() ? "true" : "false");
        break;
    case text:
        if (!value.is_string()) return wrong("a string");
        out.emplace_back(value.get_string());
        break;
    case number:
        if (!value.is_int64()) return wrong("a number");
        out.push_back(std::to_string(value.get_int64()));
        break;
    case list:
        if (value.is_object() && flag.name == "default-ulimit") { // {"nofile": {"Soft": 1, "Hard": 2}}
            for (const auto& [name, limit] : value.get_object()) {
                const json::Object* object = limit.if_object();
                const json::Value* soft = object ? json::detail::find(*object, "Soft") : nullptr;
                const json::Value* hard = object ? json::detail::find(*object, "Hard") : nullptr;
                if (!soft || !hard || !soft->is_int64() || !hard->is_int64()) return wrong("a map of limits");
                out.push_back(std::string(name) + "=" + std::to_string(soft->get_int64()) + ":" +
                              std::to_string(hard->get_int64()));
            }
            break;
        }
        if (value.is_object() && flag.name == "add-runtime") {
            out = TRY(runtime_values(value.get_object()));
            break;
        }
        if (!value.is_array()) return wrong("a list");
        for (const json::Value& one : value.get_array()) {
            if (!one.is_string()) return wrong("a list of strings");
            out.emplace_back(one.get_string());
        }
        break;
    case map:
        if (!value.is_object()) return wrong("a map");
        for (const auto& [key, one] : value.get_object()) {
            if (!one.is_string()) return wrong("a map of strings");
            out.push_back(std::string(key) + "=" + std::string(one.get_string()));
        }
        break;
    }
    return out;
}

} // namespace

std::span<const Flag> flags() { return table; }

Result<FlagValues> parse_command_line(const std::vector<std::string>& args) {
    CLI::App app;
    app.set_help_flag(); // --help is one of ours
    std::map<std::string_view, std::vector<std::string>> found;
    for (const Flag& flag : table) {
        auto& into = found[flag.name];
        std::string names = "--" + std::string(flag.name);
        if (flag.letter) names += std::string(",-") + flag.letter;
        if (flag.kind == boolean)
            app.add_flag(names);
        else
            app.add_option(names, into)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    app.allow_extras();
    std::vector<std::string> reversed(args.rbegin(), args.rend()); // what parse(vector) wants
    try {
        app.parse(reversed);
    } catch (const CLI::ArgumentMismatch& e) {
        std::string name(e.what());
        return usage_error("flag needs an argument: " + name.substr(0, name.find(':')));
    } catch (const CLI::Error& e) {
        return usage_error(e.what());
    }
    for (const std::string& extra : app.remaining()) {
        if (!extra.starts_with('-')) return usage_error("\"hulld\" accepts no argument(s).");
        if (extra.starts_with("--")) return usage_error("unknown flag: " + extra.substr(0, extra.find('=')));
        return usage_error(std::string("unknown shorthand flag: '") + extra[1] + "' in " + extra);
    }
    FlagValues values;
    for (const Flag& flag : table) {
        const CLI::Option* option = app.get_option("--" + std::string(flag.name));
        if (option->count() == 0) continue;
        auto& out = values[std::string(flag.name)];
        out = option->results();
        if (flag.kind != list && flag.kind != map) out = {out.back()}; // the last one wins, as everywhere
        TRY(check_flag(flag, out));
    }
    return values;
}

Result<FlagValues> parse_config_file(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == text.npos) return FlagValues{}; // dockerd takes an empty file
    json::Value file = TRY(json::parse(text, {.max_depth = 16, .max_bytes = size_t{1} << 20}));
    if (!file.is_object()) return Error(ErrorKind::invalid_argument, "invalid JSON: not an object");
    FlagValues values;
    std::string unknown;
    for (const auto& [key, value] : file.get_object()) {
        std::string_view name(key.data(), key.size());
        auto flag = std::find_if(table.begin(), table.end(), [&](const Flag& f) { return key_of(f) == name; });
        if (flag == table.end() || name == "help" || name == "version" || name == "config-file" || name == "validate") {
            unknown.append(unknown.empty() ? "" : ", ").append(name);
            continue;
        }
        values[std::string(flag->name)] = TRY(file_values(*flag, value));
    }
    if (!unknown.empty())
        return Error(ErrorKind::invalid_argument,
                     "the following directives don't match any configuration option: " + unknown);
    return values;
}

Result<FlagValues> merge(const FlagValues& from_flags, const FlagValues& from_file) {
    std::string twice;
    FlagValues all = from_flags;
    for (const auto& [name, values] : from_file) {
        auto given = from_flags.find(name);
        if (given == from_flags.end()) {
            all[name] = values;
            continue;
        }
        auto flag = std::find_if(table.begin(), table.end(), [&](const Flag& f) { return f.name == name; });
        twice.append(twice.empty() ? "" : ", ").append(key_of(*flag));
        twice += ": (from flag: " + joined(given->second) + ", from file: " + joined(values) + ")";
    }
    if (!twice.empty())
        return Error(ErrorKind::invalid_argument,
                     "the following directives are specified both as a flag and in the configuration file: " + twice);
    return all;
}

std::string usage() {
    static constexpr std::string_view kinds[] = {"", " string", " int", " list", " map"};
    std::string text = "Usage:  hulld [OPTIONS]\n\nThe engine of Hull: images, containers, and Docker's Engine API.\n\n"
                       "Options:\n";
    for (const Flag& flag : table) {
        std::string line = flag.letter ? std::string("  -") + flag.letter + ", --" : "      --";
        line.append(flag.name).append(kinds[static_cast<size_t>(flag.kind)]);
        line.append(line.size() < 34 ? 34 - line.size() : 1, ' ').append(flag.help);
        if (!flag.default_text.empty()) line.append(" (default ").append(flag.default_text).append(")");
        text.append(line).append("\n");
    }
    return text;
}

} // namespace hull
