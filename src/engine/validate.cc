#include "engine/validate.h"
#include "engine/id_pool.h"
#include "engine/more_ids.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/capabilities.h"
#include "engine/cdi.h"
#include "engine/core.h"
#include "engine/defaults.h"
#include "engine/log_settings.h"
#include "engine/net_files.h"
#include "engine/network_keeper.h"
#include "engine/runtimes.h"
#include "engine/seccomp_profile.h"
#include "engine/spec_builder.h"
#include "net/egress_list.h"
#include "net/endpoint_settings.h"

namespace hull::engine {
namespace {

using model::HostConfig;

Result<void> validate_healthcheck(const model::Healthcheck& check) {
    constexpr int64_t kLeast = 1'000'000;
    auto too_short = [](int64_t value) { return value != 0 && value < kLeast; };
    if (too_short(check.interval)) return invalid("Interval in Healthcheck cannot be less than 1ms");
    if (too_short(check.timeout)) return invalid("Timeout in Healthcheck cannot be less than 1ms");
    if (too_short(check.start_period)) return invalid("StartPeriod in Healthcheck cannot be less than 1ms");
    if (too_short(check.start_interval)) return invalid("StartInterval in Healthcheck cannot be less than 1ms");
    if (check.retries < 0) return invalid("Retries in Healthcheck cannot be negative");
    if (check.test.empty()) return {};
    const std::string& kind = check.test[0];
    if (kind != "NONE" && kind != "CMD" && kind != "CMD-SHELL")
        return invalid("Unknown healthcheck type '" + kind + "' (expected 'CMD')");
    return {};
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> allowed) {
    return std::ranges::find(allowed, value) != allowed.end();
}

bool is_container_mode(const std::string& mode) { return mode.starts_with("container:") && mode.size() > 10; }

Result<void> validate_modes(const model::CreateRequest& request) {
    const HostConfig& host = request.host_config;
    const bool named = !request.config.hostname.empty();
    if (!is_one_of(host.pid_mode, {"", "host"}) && !is_container_mode(host.pid_mode))
        return invalid("invalid PID mode: " + host.pid_mode);
    if (!is_one_of(host.ipc_mode, {"", "private", "shareable", "none", "host"}) && !is_container_mode(host.ipc_mode))
        return invalid("invalid IPC mode: " + host.ipc_mode);
    if (!is_one_of(host.uts_mode, {"", "host"})) return invalid("invalid UTS mode: " + host.uts_mode);
    if (host.uts_mode == "host" && named) return invalid("conflicting options: hostname and the UTS mode");
    if (!is_one_of(host.userns_mode, {"", "host", "private"}))
        return invalid("invalid userns mode: " + host.userns_mode);
    if (!is_one_of(host.cgroupns_mode, {"", "host", "private"}))
        return invalid("invalid cgroup namespace mode: " + host.cgroupns_mode);
    if (!is_one_of(host.isolation, {"", "default"}))
        return invalid("invalid isolation (" + host.isolation + "): only 'default' is supported on Linux");
    if (!host.cgroup.empty()) return unsupported("joining another container's cgroup is not supported");
    return {};
}

Result<void> validate_sysctls(const HostConfig& host) {
    constexpr std::array<std::string_view, 8> ipc = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                                     "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                                     "kernel.shmmni", "kernel.shm_rmid_forced"};
    for (const auto& [name, value] : host.sysctls) {
        bool clean = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
            return std::isalnum(c) || c == '.' || c == '_' || c == '-';
        });
        if (!clean || name.find("..") != std::string::npos || value.find('\0') != std::string::npos ||
            value.find('\n') != std::string::npos)
            return invalid("invalid sysctl: \"" + name + "\"");
        bool of_ipc = std::ranges::find(ipc, name) != ipc.end() || name.starts_with("fs.mqueue.");
        bool of_net = name.starts_with("net.");
        bool of_uts = name == "kernel.domainname" || name == "kernel.hostname";
        if (of_ipc && host.ipc_mode == "host")
            return invalid("sysctl '" + name + "' is not allowed as ipc namespace is not enabled");
        if (of_net && host.network_mode == "host")
            return invalid("sysctl '" + name + "' is not allowed in the host's network namespace");
        if (of_uts && host.uts_mode == "host")
            return invalid("sysctl '" + name + "' is not allowed in the host's UTS namespace");
        if (!of_ipc && !of_net && !of_uts)
            return invalid("sysctl \"" + name + "\" is not in a separate kernel namespace");
    }
    return {};
}

Result<void> validate_network(const model::CreateRequest& request, const EngineOptions& options,
                              std::vector<std::string>& warnings) {
    const HostConfig& host = request.host_config;
    const std::string& mode = host.network_mode;
    bool joins = is_container_mode(mode);
    // Whether a user-defined one exists is asked at the start, as Docker does.
    const bool user_defined = !is_one_of(mode, {"", "default", "bridge", "none", "host"}) && !joins;
    if (user_defined && mode.find('/') != std::string::npos) return invalid("network " + mode + " not found");
    if (mode == "container:") return invalid("invalid network mode: invalid container format container:<name|id>");
    bool publishes = !host.port_bindings.empty() || (host.publish_all_ports && !request.config.exposed_ports.empty());
    if (joins && !request.config.hostname.empty()) return invalid("conflicting options: hostname and the network mode");
    const bool wants_mac = !request.config.mac_address.empty() ||
                           std::ranges::any_of(request.networking_config.endpoints_config,
                                               [](const auto& one) { return !one.second.mac_address.empty(); });
    if (joins && wants_mac) return invalid("conflicting options: mac-address and the network mode");
    if (joins && !host.links.empty())
        return invalid("conflicting options: container type network can't be used with links. This would result in "
                       "undefined behavior");
    if (joins && !host.dns.empty()) return invalid("conflicting options: dns and the network mode");
    if (joins && !host.extra_hosts.empty())
        return invalid("conflicting options: custom host-to-IP mapping and the network mode");
    if (joins && publishes) return invalid("conflicting options: port publishing and the container type network mode");
    if (joins && !request.config.exposed_ports.empty())
        return invalid("conflicting options: port exposing and the container type network mode");
    if (mode == "host" && publishes)
        warnings.emplace_back("Published ports are discarded when using host network mode");
    if (mode == "host" && !host.links.empty())
        return invalid("conflicting options: host type networking can't be used with links. This would result in "
                       "undefined behavior");
    if (mode == "bridge" && !options.bridge_network) return invalid("network bridge not found");
    for (const auto& [name, endpoint] : request.networking_config.endpoints_config)
        TRY(validate_endpoint(name, endpoint));
    // host-gateway is looked up when the container starts; any address will do here.
    TRY(parse_extra_hosts(host.extra_hosts, {"192.0.2.1"}));
    return {};
}

Result<void> validate_unsupported(const HostConfig& host) {
    TRY(storage_limit(host));
    return {};
}

} // namespace

Result<void> validate_endpoint(const std::string& network, const model::EndpointSettings& endpoint) {
    for (const auto& [key, value] : endpoint.driver_opts) {
        if (key == k_interface_option)
            TRY(net::check_interface_name(value).context(key));
        else if (key == k_sysctls_option)
            TRY(net::parse_interface_settings(value).context(key));
        else if (key.starts_with("com.docker.network."))
            return unsupported("endpoint option " + key + " is not supported");
        // Others are for somebody else's eyes: kept and shown, as in Docker.
    }
    if (endpoint.ipam_config)
        for (const std::string& text : endpoint.ipam_config->link_local_ips)
            if (!net::IpAddress::parse(text).ok()) return invalid("invalid link-local IP address: " + text);
    const bool predefined = is_one_of(network, {"default", "bridge", "none", "host"});
    if (!predefined) return {};
    if (endpoint.ipam_config &&
        (!endpoint.ipam_config->ipv4_address.empty() || !endpoint.ipam_config->ipv6_address.empty()))
        return invalid("invalid endpoint settings: user specified IP address is supported on user defined "
                       "networks only");
    if (!endpoint.aliases.empty())
        return invalid("invalid endpoint settings: network-scoped aliases are only supported for user-defined "
                       "networks");
    return {};
}

Result<void> validate_restart(const HostConfig& host) {
    const model::RestartPolicy& policy = host.restart_policy;
    constexpr std::array<std::string_view, 5> names = {"", "no", "always", "on-failure", "unless-stopped"};
    if (std::ranges::find(names, policy.name) == names.end())
        return invalid("invalid restart policy: unknown policy '" + policy.name +
                       "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
    if (policy.maximum_retry_count < 0)
        return invalid("invalid restart policy: maximum retry count cannot be negative");
    if (policy.maximum_retry_count > 0 && policy.name != "on-failure")
        return invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'");
    if (host.auto_remove && !policy.name.empty() && policy.name != "no")
        return invalid("can't create 'AutoRemove' container with restart policy");
    return {};
}

Result<void> validate_config(const model::ContainerConfig& config) {
    for (const std::string& entry : config.env)
        if (entry.empty() || entry[0] == '=' || entry.find('\0') != std::string::npos)
            return invalid("invalid environment variable: " + entry);
    if (!config.working_dir.empty() && !config.working_dir.starts_with('/'))
        return invalid("the working directory '" + config.working_dir +
                       "' is invalid, it needs to be an absolute path");
    if (!config.stop_signal.empty()) TRY(parse_signal(config.stop_signal));
    if (config.hostname.size() > 63) return invalid("invalid hostname: " + config.hostname);
    if (config.healthcheck) TRY(validate_healthcheck(*config.healthcheck));
    for (const std::string& port : config.exposed_ports) {
        size_t digits = port.find_first_not_of("0123456789-");
        if (digits == 0 || (digits != std::string::npos &&
                            !is_one_of(std::string_view(port).substr(digits), {"/tcp", "/udp", "/sctp"})))
            return invalid("invalid port specification: \"" + port + "\"");
    }
    return {};
}

Result<void> validate_host_config(const model::CreateRequest& request, const EngineOptions& options,
                                  std::vector<std::string>& warnings) {
    const HostConfig& host = request.host_config;
    TRY(validate_restart(host));
    if (more_ids(request.config, host).size() > k_most_more_ids)
        return invalid("too many users and groups above 65535: at most " + std::to_string(k_most_more_ids));
    TRY(validate_modes(request));
    TRY(find_runtime(options, host.runtime));
    TRY(cdi_names(host));
    TRY(validate_sysctls(host));
    TRY(validate_network(request, options, warnings));
    TRY(validate_unsupported(host));
    TRY(validate_resources(host));
    if (host.oom_kill_disable.value_or(false) && host.memory == 0)
        warnings.emplace_back("OOM killer is disabled for the container, but no memory limit is set, this can result "
                              "in the system running out of resources.");
    if (!host.cgroup_parent.empty()) TRY(check_cgroup_parent(host.cgroup_parent, options.systemd_cgroups));
    std::vector<std::string> capabilities = TRY(container_capabilities(host, options.capabilities));
    SecurityOptions security = TRY(parse_security_options(host, options));
    TRY(seccomp_profile(security.seccomp, capabilities));
    if (!security.apparmor.empty() && !options.apparmor)
        return unsupported("AppArmor is not supported on this host: apparmor=" + security.apparmor);
    if (host.annotations.contains(""))
        return invalid("invalid Annotations: the empty string is not permitted as an annotation key");
    return validate_limits(host);
}

Result<void> validate_limits(const HostConfig& host) {
    auto check = [&](const char* key, auto&& parse) -> Result<void> {
        auto found = host.annotations.find(key);
        if (found == host.annotations.end()) return {};
        if (host.network_mode == "host" || host.network_mode == "none" || host.network_mode.starts_with("container:"))
            return invalid(std::string(key) + " wants a network of the container's own, not " + host.network_mode);
        TRY(parse(found->second));
        return {};
    };
    TRY(check("hull.egress", [](const std::string& text) { return net::parse_egress(text); }));
    return check("hull.bandwidth", [](const std::string& text) { return net::parse_bandwidth(text); });
}

Result<uint64_t> storage_limit(const HostConfig& host) {
    constexpr uint64_t least = uint64_t{16} << 20; // below there is hardly room for the file system itself
    uint64_t limit = 0;
    for (const auto& [name, value] : host.storage_opt) {
        if (name != "size") return invalid("Unknown option " + name + " of --storage-opt: size is known");
        limit = TRY(parse_size(value));
        if (limit != 0 && limit < least)
            return invalid("storage-opt size " + value + " is too small: 16m is the least");
    }
    return limit;
}

void fill_defaults(HostConfig& host, const EngineOptions& options) {
    if (!options.storage_size.empty()) host.storage_opt.try_emplace("size", options.storage_size);
    if (host.network_mode.empty() || host.network_mode == "default")
        host.network_mode = options.bridge_network ? "bridge" : "none";
    if (host.restart_policy.name.empty()) host.restart_policy.name = "no";
    if (host.log_config.type.empty()) {
        auto asked = std::move(host.log_config.config);
        host.log_config = options.default_log;
        if (host.log_config.type.empty()) host.log_config.type = "json-file";
        for (auto& [key, value] : asked) host.log_config.config[key] = value;
    }
    if (host.ipc_mode.empty()) host.ipc_mode = options.default_ipc_mode;
    if (host.cgroupns_mode.empty()) host.cgroupns_mode = options.default_cgroupns_mode;
    if (host.shm_size == 0) host.shm_size = options.default_shm_size;
    if (host.runtime.empty()) host.runtime = options.default_runtime;
    if (host.pids_limit == 0) host.pids_limit.reset(); // nothing was asked for
    if (host.memory > 0 && host.memory_swap == 0) host.memory_swap = host.memory * 2;
    if (host.privileged) {
        host.masked_paths.reset();
        host.readonly_paths.reset();
    } else {
        if (!host.masked_paths) host.masked_paths = default_masked_paths();
        if (!host.readonly_paths) host.readonly_paths = default_readonly_paths();
    }
    for (std::string& name : host.cap_add) name = normalised_capability(name);
    for (std::string& name : host.cap_drop) name = normalised_capability(name);
}

model::ContainerConfig merge_config(model::ContainerConfig asked, const model::ContainerConfig& image) {
    auto add_missing = [](std::vector<std::string>& list, const std::vector<std::string>& more) {
        for (const std::string& one : more)
            if (std::ranges::find(list, one) == list.end()) list.push_back(one);
    };
    auto name_of = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
    if (asked.user.empty()) asked.user = image.user;
    add_missing(asked.exposed_ports, image.exposed_ports);
    add_missing(asked.volumes, image.volumes);
    std::vector<std::string> own = asked.env;
    for (const std::string& entry : image.env) {
        bool known = std::ranges::any_of(own, [&](const std::string& one) { return name_of(one) == name_of(entry); });
        if (!known) asked.env.push_back(entry);
    }
    for (const auto& [key, value] : image.labels) asked.labels.emplace(key, value);
    // An entry point of its own makes the image's command meaningless.
    if (!asked.entrypoint || asked.entrypoint->empty()) {
        if (!asked.cmd || asked.cmd->empty()) {
            asked.cmd = image.cmd;
            asked.args_escaped = image.args_escaped;
        }
        if (!asked.entrypoint) asked.entrypoint = image.entrypoint;
    }
    if (image.healthcheck) {
        if (!asked.healthcheck) {
            asked.healthcheck = image.healthcheck;
        } else {
            model::Healthcheck& check = *asked.healthcheck;
            if (check.test.empty()) check.test = image.healthcheck->test;
            if (check.interval == 0) check.interval = image.healthcheck->interval;
            if (check.timeout == 0) check.timeout = image.healthcheck->timeout;
            if (check.start_period == 0) check.start_period = image.healthcheck->start_period;
            if (check.start_interval == 0) check.start_interval = image.healthcheck->start_interval;
            if (check.retries == 0) check.retries = image.healthcheck->retries;
        }
    }
    if (asked.working_dir.empty()) asked.working_dir = image.working_dir;
    if (asked.stop_signal.empty()) asked.stop_signal = image.stop_signal;
    if (!asked.shell) asked.shell = image.shell;
    return asked;
}

} // namespace hull::engine
