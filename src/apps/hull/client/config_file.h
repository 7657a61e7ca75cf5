// The user's client settings (~/.docker/config.json) and contexts, shared with
// docker's own client.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace hull::cli {

struct ConfigFile {
    std::string detach_keys, current_context;
    std::map<std::string, std::string> formats; // by command: "psFormat" -> ...
    std::vector<std::pair<std::string, std::string>> http_headers;
    // Environment for new containers from "proxies": host ("default" too) ->
    // name -> value, names as in the file ("httpProxy").
    std::map<std::string, std::map<std::string, std::string>> proxies;

    // "" when the file does not set it.
    std::string format_of(const std::string& name) const {
        auto found = formats.find(name);
        return found == formats.end() ? "" : found->second;
    }
    // A missing file is an empty configuration. Errors: invalid_argument.
    static Result<ConfigFile> load(const std::string& folder);
};

// $DOCKER_CONFIG or ~/.docker.
std::string default_config_folder();

struct EngineAddress {
    std::string host;         // unix:///...
    bool is_default = false;  // nobody chose it: hull may start the engine
    std::string context_name; // "default" when no context is in use
};

// What --host, --context, DOCKER_HOST, DOCKER_CONTEXT and the file's
// currentContext come to, in Docker's order of precedence. flag_host and
// flag_context are empty when not given. Errors: invalid_argument, not_found.
Result<EngineAddress> find_engine(const std::string& flag_host, const std::string& flag_context,
                                  const std::string& config_folder);

constexpr const char* default_host = "unix:///run/hull/hull.sock";

} // namespace hull::cli
