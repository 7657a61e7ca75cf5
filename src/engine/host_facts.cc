#include "engine/host_facts.h"

#include <charconv>
#include <thread>

#include "engine/core.h"

namespace hull::engine {
namespace {

std::string first_line(HostPort& host, const std::string& path) {
    auto text = host.read_file(path, 64 << 10);
    return text.ok() ? text->substr(0, text->find('\n')) : std::string();
}

// NAME="value" of os-release.
std::string os_release(const std::string& text, const std::string& name) {
    size_t at = 0;
    while (at < text.size()) {
        size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        at = end + 1;
        if (!line.starts_with(name + "=")) continue;
        std::string value = line.substr(name.size() + 1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        return value;
    }
    return {};
}

int64_t memory_total(HostPort& host) {
    auto text = host.read_file("/proc/meminfo", 64 << 10);
    if (!text.ok()) return 0;
    size_t at = text->find_first_of("0123456789");
    int64_t kib = 0;
    if (text->starts_with("MemTotal:") && at != std::string::npos)
        std::from_chars(text->data() + at, text->data() + text->size(), kib);
    return kib * 1024;
}

void count_containers(const Core& core, InfoView& info) {
    for (const ContainerPtr& container : core.registry.all()) {
        ++info.containers;
        ContainerStatus status = container->status();
        if (status == ContainerStatus::paused)
            ++info.paused;
        else if (status == ContainerStatus::running || status == ContainerStatus::restarting)
            ++info.running;
        else
            ++info.stopped;
    }
}

} // namespace

bool has_unified_cgroups(HostPort& machine) {
    return machine.kind("/sys/fs/cgroup/cgroup.controllers") != PathKind::missing;
}

InfoView make_info(Core& core, const std::string& engine_id) {
    const auto options = core.current();
    InfoView info;
    info.id = engine_id;
    count_containers(core, info);
    info.images = static_cast<int>(core.images.summaries().size());
    info.driver_status = {{"Backing Filesystem", "overlayfs on unpacked layers"},
                          {"Supports d_type", "true"},
                          {"Native Overlay Diff", "true"}};
    info.logging_driver = options->default_log.type.empty() ? "json-file" : options->default_log.type;
    info.cgroup_driver = options->systemd_cgroups ? "systemd" : "cgroupfs";
    info.cgroup_version = has_unified_cgroups(core.host) ? "2" : "1";
    info.kernel_version = first_line(core.host, "/proc/sys/kernel/osrelease");
    auto release = core.host.read_file("/etc/os-release", 64 << 10);
    if (release.ok()) {
        info.operating_system = os_release(*release, "PRETTY_NAME");
        info.os_version = os_release(*release, "VERSION_ID");
    }
#if defined(__x86_64__)
    info.architecture = "x86_64";
#elif defined(__aarch64__)
    info.architecture = "aarch64";
#else
    info.architecture = "riscv64";
#endif
    info.cpus = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    info.memory = memory_total(core.host);
    info.data_root = core.options.data_root;
    info.name = first_line(core.host, "/proc/sys/kernel/hostname");
    info.labels = options->labels;
    info.default_runtime = options->default_runtime;
    info.server_version = core.options.version;
    info.init_binary = "docker-init";
    std::string profile = core.options.seccomp_profile.empty()           ? "builtin"
                          : core.options.seccomp_profile == "unconfined" ? "unconfined"
                                                                         : "custom";
    if (core.options.apparmor) info.security_options.emplace_back("name=apparmor");
    info.security_options.push_back("name=seccomp,profile=" + profile);
    if (core.options.user_namespaces) info.security_options.emplace_back("name=userns");
    if (core.options.default_cgroupns_mode == "private") info.security_options.emplace_back("name=cgroupns");
    if (core.options.no_new_privileges) info.security_options.emplace_back("name=no-new-privileges");
    info.ipv4_forwarding = first_line(core.host, "/proc/sys/net/ipv4/ip_forward") == "1";
    if (!info.ipv4_forwarding) info.warnings.emplace_back("WARNING: IPv4 forwarding is disabled");
    info.event_listeners = core.events.subscribers();
    info.system_time = wall_now();
    info.health_checks = core.health_checks;
    info.health_failures = core.health_failures;
    info.experimental = options->experimental;
    for (const CdiSpec& spec : core.host.cdi_specs(options->cdi_folders))
        for (const auto& [name, edits] : spec.devices) info.cdi_devices.push_back(spec.kind + "=" + name);
    return info;
}

} // namespace hull::engine
