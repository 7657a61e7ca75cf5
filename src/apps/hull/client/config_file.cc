#include "apps/hull/client/config_file.h"

#include <cstdlib>

#include "apps/hull/cli/session.h"
#include "apps/hull/client/json_access.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// Contexts live in folders named by a hash; each names itself in meta.json.
Result<std::string> host_of_context(const std::string& name, const std::string& config_folder) {
    std::string folder = config_folder + "/contexts/meta";
    auto entries = sys::list_dir(folder);
    if (entries.ok())
        for (const std::string& entry : *entries) {
            auto file = sys::read_file(folder + "/" + entry + "/meta.json");
            if (!file.ok()) continue;
            Json meta = TRY(read_json(*file, folder + "/" + entry + "/meta.json"));
            if (text(meta, "Name") != name) continue;
            std::string host = text(meta, "Endpoints.docker.Host");
            if (host.empty()) return Error(ErrorKind::invalid_argument, "context \"" + name + "\": no docker endpoint");
            return host;
        }
    return Error(ErrorKind::not_found, "Failed to initialize: unable to resolve docker endpoint: context \"" + name +
                                           "\": context not found");
}

} // namespace

std::string default_config_folder() {
    if (std::string chosen = environment("DOCKER_CONFIG"); !chosen.empty()) return chosen;
    std::string home = environment("HOME");
    return (home.empty() ? "/root" : home) + "/.docker";
}

Result<ConfigFile> ConfigFile::load(const std::string& folder) {
    ConfigFile out;
    std::string path = folder + "/config.json";
    auto file = sys::read_file(path);
    if (!file.ok()) {
        if (file.error().kind() == ErrorKind::not_found) return out;
        // Someone else's home (sudo, setpriv): no reason not to work.
        if (file.error().code() != EACCES) return std::move(file).error().context("read the client configuration");
        print_error("WARNING: Error loading config file: open " + path + ": permission denied\n");
        return out;
    }
    auto parsed = read_json(*file, path);
    if (!parsed.ok())
        return Error(ErrorKind::invalid_argument, "invalid client configuration: " + parsed.error().message());
    out.detach_keys = text(*parsed, "detachKeys");
    out.current_context = text(*parsed, "currentContext");
    for (const auto& [name, value] : object(*parsed, ""))
        if (std::string_view(name).ends_with("Format") && value.is_string())
            out.formats[std::string(name)] = value.get_string();
    for (const auto& [name, value] : object(*parsed, "HttpHeaders"))
        if (value.is_string()) out.http_headers.emplace_back(name, value.get_string());
    for (const auto& [host, settings] : object(*parsed, "proxies"))
        for (const auto& [name, value] : object(settings, ""))
            if (value.is_string()) out.proxies[std::string(host)][std::string(name)] = value.get_string();
    return out;
}

Result<EngineAddress> find_engine(const std::string& flag_host, const std::string& flag_context,
                                  const std::string& config_folder) {
    if (!flag_host.empty() && !flag_context.empty())
        return Error(ErrorKind::invalid_argument, "conflicting options: cannot specify both --host and --context");
    if (!flag_host.empty()) return EngineAddress{flag_host, false, "default"};
    std::string context = flag_context;
    if (context.empty()) {
        if (std::string host = environment("DOCKER_HOST"); !host.empty()) return EngineAddress{host, false, "default"};
        context = environment("DOCKER_CONTEXT");
    }
    if (context.empty()) context = TRY(ConfigFile::load(config_folder)).current_context;
    if (context.empty() || context == "default") return EngineAddress{default_host, true, "default"};
    return EngineAddress{TRY(host_of_context(context, config_folder)), false, context};
}

} // namespace hull::cli
