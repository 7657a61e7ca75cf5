#include "engine/more_ids.h"
#include "engine/runner.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "engine/container_networks.h"
#include "engine/image_mounts.h"
#include "engine/links.h"
#include "engine/log_settings.h"
#include "engine/net_files.h"
#include "engine/runtimes.h"

namespace hull::engine {
namespace {

// A container that joined another's namespaces uses that one's ids.
bool owns_ids(const NamespaceChoice& choice) { return choice.user.share == Share::own; }

int exit_code_of(const Error& error) {
    switch (error.kind()) {
    case ErrorKind::no_such_program: return 127;
    case ErrorKind::not_executable: return 126;
    default: return 128;
    }
}

// Docker's wording: clients read the exit codes 126 and 127 out of it.
Error start_error(Error error) {
    if (is_about_users(error)) return error;
    bool program = error.kind() == ErrorKind::no_such_program || error.kind() == ErrorKind::not_executable;
    std::string text = "failed to create task for container: ";
    if (program) text += "failed to create shim task: OCI runtime create failed: unable to start container process: ";
    text += error.message();
    // Older clients make the exit code 126 of these words only.
    if (program && text.ends_with("is a directory")) text += ": permission denied";
    if (program) text += ": unknown";
    return Error(error.kind(), std::move(text)).with_code(error.code());
}

} // namespace

std::string cgroup_parent(const Container& container, const EngineOptions& options) {
    return cgroup_parent(container.settings().host_config, options);
}

Error not_running(const Container& container) {
    return {ErrorKind::conflict, "container " + container.id.str() + " is not running"};
}

Result<void> Runner::start(const ContainerPtr& container) {
    std::lock_guard operation(container->operation());
    return start_held(container, StartedBy::user);
}

Result<void> Runner::start_held(const ContainerPtr& container, StartedBy by) {
    if (container->look([](const auto&, const Volatile& v) { return v.removed; }))
        return no_such_container(container->id.str());
    switch (container->status()) {
    case ContainerStatus::paused:
        return Error(ErrorKind::conflict, "cannot start a paused container, try unpause instead");
    case ContainerStatus::starting:
    case ContainerStatus::running: return Error(ErrorKind::not_modified, "container is already running");
    case ContainerStatus::removing:
    case ContainerStatus::dead:
        return Error(ErrorKind::conflict, "container is marked for removal and cannot be started");
    case ContainerStatus::restarting:
        if (by == StartedBy::user) cancel_restart(container);
        break;
    case ContainerStatus::created:
    case ContainerStatus::exited: break;
    }
    clean_up(container);
    container->update([by](ContainerState& state, Volatile& v) {
        v.restart_timer = 0;
        v.early_exit.reset();
        if (by == StartedBy::policy) {
            ++state.restart_count;
        } else {
            state.restart_count = 0;
            state.manually_stopped = false;
            v.restart_cancelled = false;
            v.backoff_ms = 0;
        }
        state.status = next_status(state.status, Step::start).value_or(state.status);
        state.oom_killed = false;
        state.error.clear();
    });
    return launch(container);
}

Result<void> Runner::launch(const ContainerPtr& container) {
    auto prepared = prepare(*container);
    if (!prepared.ok()) {
        Error error = std::move(prepared).error();
        failed_start(container, error, {});
        return error;
    }
    // On record before anything runs, so that a crash can't forget what is held.
    container->update([&](ContainerState& state, Volatile&) {
        state.id_first = prepared->ids.first;
        state.id_count = prepared->ids.count;
        state.endpoint = prepared->held.endpoint;
        state.endpoints = prepared->joined.endpoints;
        state.ports = prepared->joined.ports;
    });
    core_.save(*container);

    auto launched = launch_prepared(*container, *prepared);
    if (!launched.ok()) {
        Error error = start_error(std::move(launched).error());
        failed_start(container, error, prepared->held);
        return error;
    }
    auto early = container->update([&](ContainerState& state, Volatile& v) {
        state.status = next_status(state.status, Step::launched).value_or(ContainerStatus::running);
        state.pid = launched->pid;
        state.started_at = launched->started_at;
        state.exit_code = 0;
        ++v.health_run;
        return std::exchange(v.early_exit, std::nullopt);
    });
    if (prepared->held.endpoint) publish_network(core_, *container, *prepared->held.endpoint, "connect");
    for (const EndpointRecord& endpoint : prepared->joined.endpoints)
        publish_network(core_, *container, endpoint, "connect");
    core_.publish(*container, "start");
    if (on_launched) on_launched(container);
    if (early) {
        finish(container, *early);
        return {};
    }
    // The record needs no more: what runs on tells its pid to the next engine.
    if (on_started) on_started(container);
    return {};
}

Result<Launched> Runner::launch_prepared(const Container& container, const Prepared& prepared) {
    const ContainerSettings& settings = container.settings();
    const std::string dir = core_.dirs->path(container.id);
    LogSettings log = TRY(log_settings(settings));
    if (before_launch) TRY(before_launch(container, log));
    LaunchRequest request;
    request.id = container.id;
    request.spec = &prepared.spec;
    request.rootfs.lower = core_.lower_of(container);
    const std::string writable = core_.dirs->writable(container.id);
    request.rootfs.upper = writable + "/upper";
    request.rootfs.work = writable + "/work";
    request.rootfs.readonly = settings.host_config.readonly_rootfs;
    request.rootfs.discarded = settings.host_config.auto_remove;
    // Overlay refuses what such a mount left when it is mounted again (restart).
    if (request.rootfs.discarded && container.state().started_at.ns != 0) TRY(core_.dirs->renew_work(container.id));
    request.stdio.terminal = settings.config.tty;
    request.stdio.open_stdin = settings.config.open_stdin;
    request.stdio.stdin_once = settings.config.stdin_once;
    if (settings.host_config.console_size.size() == 2) {
        request.stdio.rows = static_cast<uint16_t>(settings.host_config.console_size[0]);
        request.stdio.columns = static_cast<uint16_t>(settings.host_config.console_size[1]);
    }
    request.log = {.enabled = log.enabled,
                   .path = dir + "/" + container.id.str() + "-json.log",
                   .max_bytes = log.max_bytes,
                   .max_files = log.max_files,
                   .attributes = std::move(log.attributes)};
    request.runtime = TRY(find_runtime(*core_.current(), settings.host_config.runtime));
    for (auto& [destination, sources] : prepared.image_mounts)
        if (sources.size() > 1) request.image_mounts[destination] = sources;
    if (request.runtime && !request.image_mounts.empty())
        return Error(ErrorKind::unsupported,
                     "mounts of type \"image\" with several layers need the runtime hull-runtime");
    if (prepared.has_sandbox) request.sandbox = &prepared.sandbox.sandbox;
    return core_.runtime.launch(request);
}

Result<Runner::Prepared> Runner::prepare(Container& container) {
    const ContainerSettings& settings = container.settings();
    const auto options = core_.current();
    NamespaceChoice choice = TRY(choose_namespaces(container, core_.registry, *options));
    Prepared prepared;
    bool own_net = choice.net.share == Share::own;
    if (own_net || owns_ids(choice)) {
        SandboxRequest address;
        address.mac_address = settings.config.mac_address;
        address.more_ids = more_ids(settings.config, settings.host_config);
        const auto networks = networks_of(settings, container.state());
        if (auto bridge = networks.find("bridge"); bridge != networks.end() && !bridge->second.mac_address.empty())
            address.mac_address = bridge->second.mac_address;
        // A network namespace of its own under another container's users is made
        // under the host's.
        SandboxUsers users = owns_ids(choice) ? SandboxUsers::own : SandboxUsers::host;
        // Links made in advance are eth0, with the kernel's settings.
        const auto on_bridge = networks.find("bridge");
        const bool special =
            on_bridge != networks.end() &&
            (!on_bridge->second.driver_opts.empty() ||
             (on_bridge->second.ipam_config && !on_bridge->second.ipam_config->link_local_ips.empty()));
        const SandboxNetwork network = own_net && !special ? choice.network : SandboxNetwork::none;
        prepared.sandbox = TRY(core_.sandboxes.take(network, users, address));
        prepared.has_sandbox = true;
        prepared.held = {.ids = prepared.sandbox.ids, .endpoint = prepared.sandbox.endpoint};
    }
    prepared.ids = owns_ids(choice) ? prepared.held.ids : choice.joined_ids;

    auto build = [&]() -> Result<model::oci::Spec> {
        if (own_net) TRY(join_networks(container, prepared));
        std::vector<std::string> addresses;
        auto add = [&](const EndpointRecord& endpoint) {
            for (const std::string& address : {endpoint.ip_address, endpoint.ipv6_address})
                if (!address.empty()) addresses.push_back(address);
        };
        if (prepared.held.endpoint) add(*prepared.held.endpoint);
        for (const EndpointRecord& endpoint : prepared.joined.endpoints) add(endpoint);
        NetFiles net_files = TRY(write_net_files(container, choice, addresses));
        std::string init = TRY(find_init(container));
        prepared.subpaths = TRY(core_.volumes->mount(settings.mounts, container.id.str()));
        for (const model::MountPoint& mount : settings.mounts)
            if (mount.type == "image")
                prepared.image_mounts[mount.destination] = TRY(image_mount_sources(core_.images, mount));
        SpecInput input{.settings = settings,
                        .options = *options,
                        .host = core_.host,
                        .namespaces = choice,
                        .ids = prepared.ids,
                        .net_files = std::move(net_files),
                        .init = std::move(init),
                        .link_env = linked_environment(core_, container),
                        .subpaths = &prepared.subpaths,
                        .image_mounts = &prepared.image_mounts};
        return build_spec(input);
    };
    auto spec = build();
    if (!spec.ok()) {
        core_.networks->leave(container.id.str());
        core_.sandboxes.release(prepared.held);
        return std::move(spec).error();
    }
    prepared.spec = std::move(*spec);
    return prepared;
}

Result<void> Runner::join_networks(const Container& container, Prepared& prepared) {
    NetworkMember member = TRY(make_member(core_, container));
    if (member.networks.empty()) return {};
    member.first = prepared.held.endpoint;
    prepared.joined = TRY(core_.networks->join(member, prepared.sandbox.sandbox.net_ns));
    return {};
}

Result<NetFiles> Runner::write_net_files(const Container& container, const NamespaceChoice& choice,
                                         const std::vector<std::string>& addresses) {
    // Who shares a network shares its names.
    const ContainerId owner = choice.net.share == Share::container ? ContainerId(choice.net.container) : container.id;
    const std::string dir = core_.dirs->path(owner);
    NetFiles files{.hostname = dir + "/hostname", .hosts = dir + "/hosts", .resolv_conf = dir + "/resolv.conf"};
    if (choice.net.share == Share::container) return files;

    const ContainerSettings& settings = container.settings();
    const model::HostConfig& host = settings.host_config;
    bool hosts_network = choice.net.share == Share::host;
    std::vector<std::string> gateways = core_.options.host_gateway;
    if (gateways.empty() && !core_.sandboxes.host_gateway().empty()) gateways = {core_.sandboxes.host_gateway()};
    auto extra = TRY(parse_extra_hosts(host.extra_hosts, gateways));
    std::string hosts;
    if (hosts_network) {
        auto text = core_.host.read_file("/etc/hosts", 1 << 20);
        hosts = text.ok() ? std::move(*text) : make_hosts({}, "", "", {});
        for (const HostEntry& entry : extra) hosts += entry.address + "\t" + entry.name + "\n";
    } else {
        for (HostEntry& entry : TRY(linked_hosts(core_, container))) extra.push_back(std::move(entry));
        hosts = make_hosts(extra, settings.config.hostname, settings.config.domainname, addresses);
    }
    DnsSettings dns{.servers = host.dns.empty() ? core_.options.dns : host.dns,
                    .search = host.dns_search.empty() ? core_.options.dns_search : host.dns_search,
                    .options = host.dns_options.empty() ? core_.options.dns_options : host.dns_options};
    // On networks of its users' a container asks our name server, which knows the rest.
    std::vector<std::string> networks;
    for (const auto& [name, unused] : networks_of(settings, container.state())) networks.push_back(name);
    const auto egress = host.annotations.find(k_egress_key);
    const bool named =
        !hosts_network &&
        (std::ranges::any_of(networks, [](auto& one) { return !is_predefined_network(one); }) ||
         core_.networks->limits_egress(egress == host.annotations.end() ? "" : egress->second, networks));
    if (named) {
        dns.servers = {net::k_name_server_address};
        if (std::ranges::none_of(dns.options, [](const std::string& one) { return one.starts_with("ndots:"); }))
            dns.options.emplace_back("ndots:0");
    }
    // Behind systemd's stub stand the real servers.
    auto text = core_.host.read_file("/etc/resolv.conf", 1 << 20);
    if (text.ok() && !hosts_network && only_loopback_servers(*text)) {
        auto real = core_.host.read_file("/run/systemd/resolve/resolv.conf", 1 << 20);
        if (real.ok()) text = std::move(real);
    }
    std::string resolv =
        make_resolv_conf(text.ok() ? *text : std::string(), dns, hosts_network ? Resolvers::all : Resolvers::reachable);
    TRY(core_.dirs->write_file(container.id, "hostname", settings.config.hostname + "\n"));
    TRY(core_.dirs->write_file(container.id, "hosts", hosts));
    TRY(core_.dirs->write_file(container.id, "resolv.conf", resolv));
    return files;
}

Result<std::string> Runner::find_init(const Container& container) const {
    if (!container.settings().host_config.init.value_or(false)) return std::string();
    if (!core_.options.init_path.empty()) return core_.options.init_path;
    // Static ones: they must run on any root file system.
    for (const char* path : {"/usr/bin/docker-init", "/usr/bin/tini-static", "/usr/libexec/docker/docker-init"})
        if (core_.host.kind(path) == PathKind::other) return std::string(path);
    return Error(ErrorKind::unsupported,
                 "no init for --init on this machine: install a static tini (Debian: package tini) or name one with "
                 "--init-path");
}

void Runner::failed_start(const ContainerPtr& container, const Error& error, const HeldSandbox& held) {
    core_.networks->leave(container->id.str());
    core_.sandboxes.release(held);
    core_.volumes->unmount(container->settings().mounts, container->id.str());
    container->update([&](ContainerState& state, Volatile&) {
        Step step = state.started_at.ns == 0 ? Step::never_ran : Step::launch_failed;
        state.status = next_status(state.status, step).value_or(ContainerStatus::exited);
        state.exit_code = exit_code_of(error);
        state.error = error.message();
        state.pid = 0;
        state.id_first = state.id_count = 0;
        state.endpoint.reset();
        state.endpoints.clear();
        state.ports.clear();
        if (step == Step::launch_failed) state.finished_at = wall_now();
    });
    core_.runtime.cancel_attach(container->id);
    if (!container->settings().host_config.auto_remove) {
        core_.save(*container);
        return;
    }
    auto removed = remove_held(container, true);
    if (!removed.ok()) log::error("remove container " + container->id.str(), removed.error());
}

} // namespace hull::engine
