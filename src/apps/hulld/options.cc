#include "apps/hulld/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "apps/hulld/apparmor.h"
#include "apps/hulld/builder_keys.h"
#include "apps/hulld/choices.h"
#include "engine/runtimes.h"
#include "engine/validate.h"
#include "kernel/caps.h"
#include "sys/credentials.h"
#include "sys/file.h"

namespace hull {

namespace {

constexpr size_t max_profile = size_t{1} << 20;

Result<std::string> absolute_path(const Values& values, std::string_view name, std::string absent) {
    std::string path = values.text(name, std::move(absent));
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (!path.starts_with('/')) return invalid("--" + std::string(name) + " \"" + path + "\": not an absolute path");
    return path;
}

Result<model::Ulimit> parse_ulimit(const std::string& text) {
    auto bad = [&] { return invalid("invalid ulimit argument: " + text); };
    size_t equals = text.find('=');
    if (equals == text.npos || equals == 0) return bad();
    model::Ulimit limit{.name = text.substr(0, equals), .hard = 0, .soft = 0};
    const char* at = text.data() + equals + 1;
    const char* end = text.data() + text.size();
    auto soft = std::from_chars(at, end, limit.soft);
    if (soft.ec != std::errc()) return bad();
    limit.hard = limit.soft;
    if (soft.ptr != end) {
        if (*soft.ptr != ':') return bad();
        auto hard = std::from_chars(soft.ptr + 1, end, limit.hard);
        if (hard.ec != std::errc() || hard.ptr != end) return bad();
    }
    if (limit.hard >= 0 && limit.soft > limit.hard)
        return invalid("ulimit soft limit must be less than or equal to hard limit: " + std::to_string(limit.soft) +
                       " > " + std::to_string(limit.hard));
    return limit;
}

Result<std::map<std::string, std::string>> parse_map(const Values& values, std::string_view name) {
    std::map<std::string, std::string> out;
    for (const std::string& text : values.list(name)) {
        size_t equals = text.find('=');
        if (equals == text.npos || equals == 0)
            return invalid("invalid argument \"" + text + "\" for \"--" + std::string(name) +
                           "\" flag: must be key=value");
        out[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return out;
}

constexpr const char* default_tls_port = "2376"; // as Docker
constexpr const char* docker_socket = "/var/run/docker.sock";

// "host:port", "[::1]:port", ":port", "host".
Result<Host> parse_tcp(std::string address, const std::string& whole, const char* absent_port) {
    Host host{.kind = Host::Kind::tcp, .port = absent_port};
    if (address.ends_with('/')) address.pop_back();
    size_t colon = address.rfind(':');
    if (address.starts_with('[')) {
        size_t close = address.find(']');
        if (close == address.npos) return invalid("invalid bind address format: " + whole);
        host.name = address.substr(1, close - 1);
        if (close + 1 == address.size()) colon = address.npos;
        if (colon != address.npos && colon != close + 1) return invalid("invalid bind address format: " + whole);
    } else {
        host.name = address.substr(0, colon);
        if (host.name.find_first_of(":/ ") != host.name.npos) return invalid("invalid bind address format: " + whole);
    }
    if (colon == address.npos) {
        if (host.name.empty()) host.name = "localhost";
        return host;
    }
    host.port = address.substr(colon + 1);
    unsigned number = 0;
    auto [end, ec] = std::from_chars(host.port.data(), host.port.data() + host.port.size(), number);
    if (ec != std::errc() || end != host.port.data() + host.port.size() || number > 65535)
        return invalid("invalid bind address format: " + whole);
    return host;
}

Result<Host> parse_host(const std::string& text) {
    if (text == "fd://" || text.starts_with("fd://")) return Host{.kind = Host::Kind::activation};
    if (text.starts_with("unix://")) {
        std::string path = text.substr(7);
        if (!path.starts_with('/')) return invalid("invalid host \"" + text + "\": not an absolute path");
        return Host{.kind = Host::Kind::unix_socket, .path = path};
    }
    if (text.starts_with("tcp://") || text.find("://") == text.npos)
        return parse_tcp(text.starts_with("tcp://") ? text.substr(6) : text, text, default_tls_port);
    return invalid("invalid bind address format: " + text);
}

// What TCP needs. Docker takes TCP without TLS, and with TLS that verifies
// nobody; whoever can connect is root on the machine, so here it doesn't go.
Result<std::optional<http::TlsFiles>> tls_files(const Values& values, const std::vector<Host>& hosts) {
    auto tcp = std::find_if(hosts.begin(), hosts.end(), [](const Host& h) { return h.kind == Host::Kind::tcp; });
    const bool verify = values.flag("tlsverify", false);
    if (!verify) {
        if (tcp != hosts.end())
            return invalid("host \"" + tcp->text() +
                           "\": TCP needs mutual TLS: add --tlsverify --tlscacert --tlscert --tlskey, or use a unix "
                           "socket (docker -H ssh://user@host reaches it from elsewhere)");
        if (values.flag("tls", false)) return invalid("--tls without --tlsverify: clients have to be verified, too");
        return std::optional<http::TlsFiles>();
    }
    if (values.has("tls") && !values.flag("tls", true)) return invalid("--tlsverify needs TLS, but --tls=false");
    return std::optional(http::TlsFiles{.certificate = values.text("tlscert", "/etc/hull/cert.pem"),
                                        .key = values.text("tlskey", "/etc/hull/key.pem"),
                                        .client_authority = values.text("tlscacert", "/etc/hull/ca.pem")});
}

Result<LogFormat> parse_log_format(const Values& values) {
    std::string name = values.text("log-format", "text");
    if (name == "text") return LogFormat::text;
    if (name == "json") return LogFormat::json;
    if (name == "journald") return LogFormat::journald;
    return invalid("unknown log format: " + name + " (text, json or journald)");
}

Result<log::Level> parse_level(const Values& values) {
    std::string name = values.text("log-level", "info");
    if (name == "debug") return log::Level::debug;
    if (name == "info") return values.flag("debug", false) ? log::Level::debug : log::Level::info;
    if (name == "warn" || name == "warning") return log::Level::warning;
    if (name == "error" || name == "fatal") return log::Level::error;
    return invalid("unable to parse logging level: " + name);
}

Result<unsigned> positive(const Values& values, std::string_view name, int absent) {
    int value = values.number(name, absent);
    if (value <= 0) return invalid("invalid " + std::string(name) + ": " + values.text(name));
    return static_cast<unsigned>(value);
}

// base=10.10.0.0/16,size=24
Result<net::SubnetPool> parse_pool(const std::string& text) {
    auto bad = [&](const std::string& why) { return invalid("invalid default address pool \"" + text + "\": " + why); };
    net::SubnetPool pool;
    const size_t comma = text.find(',');
    if (!text.starts_with("base=") || comma == text.npos || !text.substr(comma).starts_with(",size="))
        return bad("base=<network>,size=<prefix length> is wanted");
    auto base = net::Prefix::parse(text.substr(5, comma - 5));
    if (!base.ok()) return bad("base is no network in CIDR notation");
    const unsigned longest = base->address.is_v6() ? 126 : 29;
    const std::string size = text.substr(comma + 6);
    unsigned length = 0;
    auto [end, ec] = std::from_chars(size.data(), size.data() + size.size(), length);
    if (ec != std::errc() || end != size.data() + size.size() || length < base->length || length > longest)
        return bad("size is not a prefix length from the base's to " + std::to_string(longest));
    pool.base = base->network();
    pool.size = static_cast<uint8_t>(length);
    return pool;
}

net::Switch to_switch(bool on) { return on ? net::Switch::on : net::Switch::off; }

Result<std::optional<net::BridgeConfig>> bridge_config(const Values& values, const std::string& data_root) {
    net::BridgeConfig config;
    config.name = values.text("bridge", config.name);
    if (config.name == "none") {
        if (values.has("bip")) return invalid("You specified --bip, but --bridge is \"none\"");
        return std::optional<net::BridgeConfig>();
    }
    if (config.name.empty() || config.name.size() > 15 || config.name.find('/') != config.name.npos)
        return invalid("invalid name of a bridge: \"" + config.name + "\"");
    config.owner = data_root;
    if (values.has("bip")) config.address = TRY(net::Prefix::parse(values.text("bip")).context("--bip"));
    if (values.has("fixed-cidr"))
        config.fixed_cidr = TRY(net::Prefix::parse(values.text("fixed-cidr")).context("--fixed-cidr"));
    if (values.has("default-gateway"))
        config.gateway = TRY(net::IpAddress::parse(values.text("default-gateway")).context("--default-gateway"));
    config.ipv6 = to_switch(values.flag("ipv6", false));
    if (values.has("bip6")) config.address6 = TRY(net::Prefix::parse(values.text("bip6")).context("--bip6"));
    if (values.has("fixed-cidr-v6")) {
        const net::Prefix range = TRY(net::Prefix::parse(values.text("fixed-cidr-v6")).context("--fixed-cidr-v6"));
        // Without an address of the bridge it is the whole subnet.
        if (config.address6)
            config.fixed_cidr6 = range;
        else
            config.address6 = net::Prefix{net::next_address(range.network().address), range.length};
    }
    if (values.has("default-gateway-v6"))
        config.gateway6 = TRY(net::IpAddress::parse(values.text("default-gateway-v6")).context("--default-gateway-v6"));
    config.firewall6 = to_switch(values.flag("ip6tables", true));
    config.mtu = static_cast<uint32_t>(values.number("mtu", 1500));
    config.container_communication = to_switch(values.flag("icc", true));
    config.masquerade = to_switch(values.flag("ip-masq", true));
    config.forwarding = to_switch(values.flag("ip-forward", true));
    config.firewall = to_switch(values.flag("iptables", true));
    for (const std::string& text : values.list("default-address-pool")) config.pools.push_back(TRY(parse_pool(text)));
    return std::optional<net::BridgeConfig>(std::move(config));
}

Result<std::string> seccomp_profile(const Values& values) {
    std::string profile = values.text("seccomp-profile", "builtin");
    if (profile == "builtin" || profile.empty()) return std::string();
    if (profile == "unconfined") return profile;
    return sys::read_file(profile, max_profile).context("opening seccomp profile");
}

// "name=path", and each argument after a line end.
Result<void> read_runtimes(const Values& values, engine::EngineOptions& out) {
    for (const std::string& text : values.list("add-runtime")) {
        size_t equals = text.find('='), end = std::min(text.find('\n'), text.size());
        if (equals == text.npos || equals == 0 || equals + 1 >= end)
            return invalid("invalid runtime: " + text.substr(0, end) + ": name=path is wanted");
        std::string name = text.substr(0, equals);
        if (name == engine::kOwnRuntime) return invalid("runtime name '" + name + "' is reserved");
        engine::OciRuntime runtime{.path = text.substr(equals + 1, end - equals - 1), .args = {}};
        while (end < text.size()) {
            size_t next = std::min(text.find('\n', end + 1), text.size());
            runtime.args.push_back(text.substr(end + 1, next - end - 1));
            end = next;
        }
        if (!out.runtimes.emplace(name, std::move(runtime)).second)
            return invalid("runtime '" + name + "' was already registered");
    }
    out.default_runtime = values.text("default-runtime", out.default_runtime);
    if (!engine::find_runtime(out, out.default_runtime).ok())
        return invalid("specified default runtime '" + out.default_runtime + "' does not exist");
    return {};
}

Result<void> read_network_settings(const Values& values, engine::EngineOptions& out) {
    for (const std::string& text : values.list("default-address-pool"))
        out.address_pools.push_back(TRY(parse_pool(text)));
    for (const std::string& text : values.list("default-network-opt")) {
        const size_t driver = text.find('='), key = driver == text.npos ? driver : text.find('=', driver + 1);
        if (key == text.npos) return invalid("invalid argument \"" + text + "\" for \"--default-network-opt\" flag");
        if (text.substr(0, driver) != "bridge")
            return unsupported("--default-network-opt " + text.substr(0, driver) +
                               ": only networks of the driver bridge " + "can be made");
        out.bridge_network_options[text.substr(driver + 1, key - driver - 1)] = text.substr(key + 1);
    }
    for (const std::string& text : values.list("host-gateway-ip")) {
        if (!net::IpAddress::parse(text).ok()) return invalid("--host-gateway-ip: \"" + text + "\" is no IP address");
        out.host_gateway.push_back(text);
    }
    out.ip6tables = values.flag("ip6tables", true);
    out.publish_ip = values.text("ip");
    if (!out.publish_ip.empty() && !net::IpAddress::parse(out.publish_ip).ok())
        return invalid("--ip: \"" + out.publish_ip + "\" is no IP address");
    return {};
}

Result<engine::EngineOptions> engine_options(const Values& values, const Options& options) {
    engine::EngineOptions out;
    out.data_root = options.data_root;
    out.exec_root = options.exec_root;
    out.version = HULL_VERSION;
    out.capabilities = kernel::capability_names(TRY(sys::get_capabilities()).effective);
    for (const std::string& label : values.list("label")) {
        size_t equals = label.find('=');
        if (equals == label.npos || equals == 0) return invalid("bad attribute format: " + label);
        std::string key = label.substr(0, equals), value = label.substr(equals + 1);
        auto [at, added] = out.labels.emplace(key, value);
        if (!added && at->second != value) return invalid("conflict labels for " + key);
    }
    for (const std::string& option : values.list("exec-opt"))
        out.systemd_cgroups = option == "native.cgroupdriver=systemd";
    if (out.systemd_cgroups) out.cgroup_parent = "system.slice";
    out.cgroup_parent = values.text("cgroup-parent", out.cgroup_parent);
    if (auto ok = engine::check_cgroup_parent(out.cgroup_parent, out.systemd_cgroups); !ok.ok())
        return std::move(ok).error().context("--cgroup-parent");
    out.user_namespaces = values.text("userns-remap", "default") != "host";
    out.seccomp_profile = TRY(seccomp_profile(values));
    out.init_path = values.text("init-path");
    out.default_shm_size = TRY(parse_size(values.text("default-shm-size", "64MiB")));
    for (const std::string& text : values.list("default-ulimit"))
        out.default_ulimits.push_back(TRY(parse_ulimit(text)));
    out.default_log.type = values.text("log-driver");
    out.default_log.config = TRY(parse_map(values, "log-opt"));
    for (const std::string& option : values.list("storage-opt")) {
        // As for a container's own: docker's drivers name themselves in front.
        constexpr std::string_view overlay2 = "overlay2.size=", plain = "size=";
        if (!option.starts_with(overlay2) && !option.starts_with(plain))
            return unsupported("--storage-opt " + option + ": this version of Hull takes overlay2.size=SIZE");
        out.storage_size = option.substr(option.find('=') + 1);
        model::HostConfig probe;
        probe.storage_opt["size"] = out.storage_size;
        TRY(engine::storage_limit(probe).context("--storage-opt " + option));
    }
    out.dns = values.list("dns");
    out.dns_options = values.list("dns-opt");
    out.dns_search = values.list("dns-search");
    out.default_cgroupns_mode = values.text("default-cgroupns-mode", out.default_cgroupns_mode);
    out.default_ipc_mode = values.text("default-ipc-mode", out.default_ipc_mode);
    out.shutdown_timeout = values.number("shutdown-timeout", out.shutdown_timeout);
    out.no_new_privileges = values.flag("no-new-privileges", false);
    out.bridge_network = options.bridge.has_value();
    TRY(read_runtimes(values, out));
    TRY(read_network_settings(values, out));
    out.experimental = values.flag("experimental", false);
    for (const std::string& text : values.list("feature")) // checked
        out.features[text.substr(0, text.find('='))] = !text.ends_with("=false");
    if (values.has("cdi-spec-dir")) out.cdi_folders = values.list("cdi-spec-dir");
    if (auto cdi = out.features.find("cdi"); cdi != out.features.end() && !cdi->second) out.cdi_folders.clear();
    auto apparmor = sys::read_file("/sys/module/apparmor/parameters/enabled", 64);
    out.apparmor = apparmor.ok() && apparmor->starts_with('Y');
    out.apparmor_profile = values.text("apparmor-profile", own_apparmor_profile);
    return out;
}

Result<registry::Config> registry_config(const Values& values) {
    registry::Config config;
    config.user_agent = "hull/" HULL_VERSION;
    config.insecure_registries = values.list("insecure-registry");
    for (const std::string& name : config.insecure_registries)
        if (name.empty() || name.find("://") != name.npos)
            return invalid("insecure registry " + name + " should not contain '://'");
    for (const std::string& text : values.list("registry-mirror"))
        config.mirrors.push_back(TRY(registry::parse_mirror(text)));
    config.http_proxy = values.text("http-proxy");
    config.https_proxy = values.text("https-proxy");
    config.no_proxy = values.text("no-proxy");
    config.attempts = static_cast<int>(TRY(positive(values, "max-download-attempts", config.attempts)));
    registry::take_proxies_of_environment(config);
    return config;
}

} // namespace

std::string Host::text() const {
    if (kind == Kind::activation) return "fd://";
    if (kind == Kind::unix_socket) return "unix://" + path;
    return "tcp://" + (name.find(':') == name.npos ? name : "[" + name + "]") + ":" + port;
}

Result<int64_t> parse_size(const std::string& text) {
    double number = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    std::string unit(end, text.data() + text.size());
    std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
    while (unit.starts_with(' ')) unit.erase(0, 1);
    if (unit.ends_with("ib"))
        unit.erase(unit.size() - 2);
    else if (unit.ends_with("b"))
        unit.pop_back();
    constexpr std::string_view units = "kmgtp";
    size_t power = unit.empty() ? 0 : units.find(unit) + 1;
    const double bytes = number * std::pow(1024.0, static_cast<double>(power));
    // Written so that what is no number is none.
    if (ec != std::errc() || !(bytes >= 0 && bytes < 0x1p63) || unit.size() > 1 || (!unit.empty() && power == 0))
        return invalid("invalid size: '" + text + "'");
    return static_cast<int64_t>(bytes);
}

Result<Options> interpret(const FlagValues& given) {
    Values values(given);
    Options options;
    options.help = values.flag("help", false);
    options.version = values.flag("version", false);
    if (options.help || options.version) return options;
    options.validate = values.flag("validate", false);
    TRY(check_choices(values));
    options.data_root = TRY(absolute_path(values, "data-root", options.data_root));
    options.exec_root = TRY(absolute_path(values, "exec-root", options.exec_root));
    options.pidfile = values.text("pidfile", options.exec_root + "/hulld.pid");
    std::vector<std::string> hosts = values.list("host");
    if (hosts.empty()) hosts.push_back("unix://" + options.exec_root + "/hull.sock");
    for (const std::string& host : hosts) options.hosts.push_back(TRY(parse_host(host)));
    if (values.flag("docker-socket", false)) {
        Host docker{.kind = Host::Kind::unix_socket, .path = docker_socket};
        bool there = std::any_of(options.hosts.begin(), options.hosts.end(),
                                 [&](const Host& h) { return h.path == docker.path || h.path == "/run/docker.sock"; });
        if (!there) options.hosts.push_back(std::move(docker));
    }
    options.tls = TRY(tls_files(values, options.hosts));
    if (values.has("plugin-dir")) options.plugin_folders = values.list("plugin-dir");
    if (values.has("metrics-addr"))
        options.metrics = TRY(parse_tcp(values.text("metrics-addr"), values.text("metrics-addr"), "9323"));
    options.log_format = TRY(parse_log_format(values));
    if (values.has("group")) options.group = values.text("group");
    options.log_level = TRY(parse_level(values));
    options.trace_start = values.flag("trace-start", false);
    options.default_init = values.flag("init", false);
    options.bridge = TRY(bridge_config(values, options.data_root));
    options.engine = TRY(engine_options(values, options));
    options.registries = TRY(registry_config(values));
    options.builder_gc = TRY(parse_builder_gc(values.text("builder-gc")));
    options.builder_may = TRY(parse_builder_entitlements(values.text("builder-entitlements")));
    options.registry_limits.downloads =
        TRY(positive(values, "max-concurrent-downloads", static_cast<int>(options.registry_limits.downloads)));
    options.registry_limits.uploads =
        TRY(positive(values, "max-concurrent-uploads", static_cast<int>(options.registry_limits.uploads)));
    return options;
}

Result<Options> load_options(const std::vector<std::string>& args) {
    FlagValues from_flags = TRY(parse_command_line(args));
    auto named = from_flags.find("config-file");
    std::string path = named == from_flags.end() ? "/etc/hull/daemon.json" : named->second.back();
    FlagValues from_file;
    // The usual file may be missing, one that was asked for may not.
    bool read = sys::exists(path) || named != from_flags.end();
    if (read) {
        auto load = [&]() -> Result<FlagValues> {
            std::string text = TRY(sys::read_file(path, max_profile));
            FlagValues values = TRY(parse_config_file(text));
            return merge(from_flags, values);
        };
        from_file = TRY(load().context("unable to configure the Hull engine with file " + path));
    }
    Options options = TRY(interpret(read ? from_file : from_flags));
    if (read) options.config_file = path;
    return options;
}

} // namespace hull
