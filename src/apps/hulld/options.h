// hulld's options as types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/hulld/flags.h"
#include "base/log.h"
#include "build/entitlements.h"
#include "build/gc_rule.h"
#include "engine/engine.h"
#include "http/tls/context.h"
#include "image/registries.h"
#include "net/bridge.h"

namespace hull {

struct Host { // where to listen
    enum class Kind : unsigned char { unix_socket, activation, tcp } kind = Kind::unix_socket;
    std::string path = {};            // of a unix socket
    std::string name = {}, port = {}; // of TCP; an empty name: every address
    std::string text() const;         // as it is given to -H
};

enum class LogFormat : unsigned char { text, json, journald };

struct Options {
    bool help = false, version = false, validate = false;
    std::string config_file; // empty: none is there
    std::string data_root = "/var/lib/hull", exec_root = "/run/hull";
    std::string pidfile;
    std::vector<Host> hosts;
    std::optional<http::TlsFiles> tls; // with a tcp:// host always there
    std::optional<Host> metrics;       // of kind tcp
    LogFormat log_format = LogFormat::text;
    std::optional<std::string> group; // of the socket; nullopt: hull, docker or root
    log::Level log_level = log::Level::info;
    bool trace_start = false, default_init = false;
    std::optional<net::BridgeConfig> bridge; // nullopt: --bridge none
    engine::EngineOptions engine;
    // Where volume plugins are looked for, earlier ones first.
    std::vector<std::string> plugin_folders = {"/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins"};
    registry::Config registries;
    image::RegistryLimits registry_limits;
    std::vector<build::GcRule> builder_gc; // of the build cache
    build::Entitlements builder_may;
};

// "64m", "64MiB", "67108864": bytes, units of 1024.
Result<int64_t> parse_size(const std::string& text);

// The command line and the configuration file that it names (or the usual one,
// if there). Errors: invalid_argument and unsupported, as dockerd words them
// where it does.
Result<Options> load_options(const std::vector<std::string>& args);
// The same from values; reads the seccomp profile.
Result<Options> interpret(const FlagValues& values);

} // namespace hull
