// daemon.json: its values as the texts that flags would have given.
#include <algorithm>

#include "apps/hulld/flags.h"
#include "codec/json.h"

namespace hull {

namespace {

using enum FlagKind;

// {"path": ...} and {"runtimeType": "io.containerd.runc.v2", "options": {"BinaryName": ...}} are the same.
Result<std::string> shim_path(const json::Object& runtime) {
    const json::Value* type = json::detail::find(runtime, "runtimeType");
    if (!type) return std::string();
    if (!type->is_string() || type->get_string() != "io.containerd.runc.v2")
        return invalid("a runtimeType other than io.containerd.runc.v2 needs containerd, which isn't there: "
                       "name the runtime's program as path");
    const json::Value* options = json::detail::find(runtime, "options");
    if (!options) return std::string("runc");
    if (!options->is_object()) return invalid("options is not an object");
    std::string path = "runc";
    for (const auto& [key, value] : options->get_object()) {
        if (key != "BinaryName" || !value.is_string())
            return invalid("options: \"" + std::string(key) + "\" is not supported; BinaryName is");
        path = value.get_string();
    }
    return path;
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
        auto shim = shim_path(value.get_object());
        if (!shim.ok()) return wrong(shim.error().message());
        text += *shim;
        for (const auto& [key, one] : value.get_object()) {
            if (key == "runtimeType" || (key == "options" && !shim->empty())) continue;
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

// [{"base": "10.10.0.0/16", "size": 24}] as base=...,size=...
Result<std::string> pool_value(const json::Value& value) {
    const json::Object* object = value.if_object();
    const json::Value* base = object ? json::detail::find(*object, "base") : nullptr;
    const json::Value* size = object ? json::detail::find(*object, "size") : nullptr;
    if (!base || !base->is_string() || !size || !size->is_int64() || object->size() != 2)
        return invalid("the directive default-address-pools is not a list of objects with base and size");
    return "base=" + std::string(base->get_string()) + ",size=" + std::to_string(size->get_int64());
}

// {"bridge": {"key": "value"}} as bridge=key=value
Result<std::vector<std::string>> network_option_values(const json::Object& drivers) {
    std::vector<std::string> out;
    for (const auto& [driver, options] : drivers) {
        if (!options.is_object()) return invalid("the directive default-network-opts is not a map of maps");
        for (const auto& [key, one] : options.get_object()) {
            if (!one.is_string()) return invalid("the directive default-network-opts is not a map of maps of strings");
            out.push_back(std::string(driver) + "=" + std::string(key) + "=" + std::string(one.get_string()));
        }
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
        if (value.is_object() && flag.name == "default-network-opt") {
            out = TRY(network_option_values(value.get_object()));
            break;
        }
        if (value.is_string() && flag.name == "host-gateway-ip") {
            if (!value.get_string().empty()) out.emplace_back(value.get_string());
            break;
        }
        if (!value.is_array()) return wrong("a list");
        if (flag.name == "default-address-pool") {
            for (const json::Value& one : value.get_array()) out.push_back(TRY(pool_value(one)));
            break;
        }
        for (const json::Value& one : value.get_array()) {
            if (!one.is_string()) return wrong("a list of strings");
            out.emplace_back(one.get_string());
        }
        break;
    case map:
        if (!value.is_object()) return wrong("a map");
        for (const auto& [key, one] : value.get_object()) {
            if (one.is_bool() && flag.name == "feature") {
                out.push_back(std::string(key) + (one.get_bool() ? "=true" : "=false"));
                continue;
            }
            if (!one.is_string()) return wrong(flag.name == "feature" ? "a map of true and false" : "a map of strings");
            out.push_back(std::string(key) + "=" + std::string(one.get_string()));
        }
        break;
    }
    return out;
}

// {"gc": {...}, "entitlements": {...}}: their texts as values of their own.
Result<void> take_builder(const json::Value& value, FlagValues& values) {
    if (!value.is_object()) return invalid("the directive builder is not an object");
    for (const auto& [key, one] : value.get_object()) {
        if (key != "gc" && key != "entitlements")
            return unsupported("the directive builder: " + std::string(key) + " is not supported");
        values["builder-" + std::string(key)] = {json::print(one)};
    }
    return {};
}

} // namespace

Result<FlagValues> parse_config_file(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == text.npos) return FlagValues{}; // dockerd takes an empty file
    json::Value file = TRY(json::parse(text, {.max_depth = 16, .max_bytes = size_t{1} << 20}));
    if (!file.is_object()) return Error(ErrorKind::invalid_argument, "invalid JSON: not an object");
    FlagValues values;
    std::string unknown;
    // Docker has those of proxies in an object of their own.
    json::Object members;
    for (const auto& [key, value] : file.get_object()) {
        if (key != "proxies") {
            members[key] = value;
            continue;
        }
        if (!value.is_object()) return invalid("the directive proxies is not an object");
        for (const auto& [name, one] : value.get_object()) {
            if (name != "http-proxy" && name != "https-proxy" && name != "no-proxy")
                return invalid("the directive proxies has http-proxy, https-proxy and no-proxy, not " +
                               std::string(name));
            members[name] = one;
        }
    }
    for (const auto& [key, value] : members) {
        std::string_view name(key.data(), key.size());
        if (name == "builder") {
            TRY(take_builder(value, values));
            continue;
        }
        auto flag = std::ranges::find_if(flags(), [&](const Flag& f) { return key_of(f) == name; });
        if (flag == flags().end() || name == "help" || name == "version" || name == "config-file" ||
            name == "validate") {
            unknown.append(unknown.empty() ? "" : ", ").append(name);
            continue;
        }
        // As in dockerd an empty text, and a zero, stand for the default.
        if ((flag->kind == FlagKind::text && value.is_string() && value.get_string().empty()) ||
            (flag->kind == FlagKind::number && value.is_int64() && value.get_int64() == 0))
            continue;
        values[std::string(flag->name)] = TRY(file_values(*flag, value));
    }
    if (!unknown.empty())
        return Error(ErrorKind::invalid_argument,
                     "the following directives don't match any configuration option: " + unknown);
    return values;
}

} // namespace hull
