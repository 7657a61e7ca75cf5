#include "engine/spec_builder.h"

#include <algorithm>

#include "engine/capabilities.h"
#include "engine/cdi.h"
#include "engine/core.h"
#include "engine/defaults.h"
#include "engine/more_ids.h"
#include "engine/runtimes.h"
#include "engine/seccomp_profile.h"

namespace hull::engine {
namespace {

using model::oci::Namespace;

void add_namespace(std::vector<Namespace>& list, const char* type, const NamespaceChoice::One& choice,
                   const char* file) {
    switch (choice.share) {
    case Share::host: return;
    case Share::own: list.push_back({.type = type, .path = ""}); return;
    case Share::container: list.push_back({.type = type, .path = namespace_path(choice.pid, file)}); return;
    }
}

std::vector<Namespace> build_namespaces(const NamespaceChoice& choice) {
    std::vector<Namespace> list;
    add_namespace(list, "user", choice.user, "user");
    add_namespace(list, "mount", {}, "mnt");
    add_namespace(list, "network", choice.net, "net");
    add_namespace(list, "uts", choice.uts, "uts");
    add_namespace(list, "pid", choice.pid, "pid");
    add_namespace(list, "ipc", choice.ipc, "ipc");
    add_namespace(list, "cgroup", choice.cgroup, "cgroup");
    return list;
}

// Docker's rule: with shared or slave binds the root must let events through.
std::string root_propagation(const std::vector<model::MountPoint>& mounts) {
    std::string result;
    for (const model::MountPoint& mount : mounts) {
        if (mount.propagation == "rshared" || mount.propagation == "shared") return "shared";
        if (mount.propagation == "rslave" || mount.propagation == "slave") result = "slave";
    }
    return result;
}

Result<void> build_linux(const SpecInput& input, const SecurityOptions& security, model::oci::Spec& spec) {
    const model::HostConfig& host = input.settings.host_config;
    model::oci::Linux& out = spec.linux_.emplace();
    out.namespaces = build_namespaces(input.namespaces);
    out.uid_mappings = out.gid_mappings = input.ids.mappings(more_ids(input.settings.config, host));
    out.sysctl = host.sysctls;
    out.resources = TRY(build_resources(input));
    TRY(add_devices(input, out));
    out.cgroups_path = cgroup_parent(host, input.options) + "/" + input.settings.id;
    out.rootfs_propagation = root_propagation(input.settings.mounts);
    if (!host.privileged && !security.unmask_all) {
        out.masked_paths = host.masked_paths ? *host.masked_paths : default_masked_paths();
        out.readonly_paths = host.readonly_paths ? *host.readonly_paths : default_readonly_paths();
    }
    // --privileged goes without a profile, unless one is named.
    if (!host.privileged || !security.seccomp.empty())
        out.seccomp = TRY(seccomp_profile(security.seccomp, spec.process->capabilities->bounding));
    return {};
}

} // namespace

std::string cgroup_parent(const model::HostConfig& host, const EngineOptions& options) {
    std::string parent = host.cgroup_parent.empty() ? options.cgroup_parent : host.cgroup_parent;
    if (!parent.starts_with('/')) parent.insert(0, "/");
    while (parent.ends_with('/')) parent.pop_back();
    return parent;
}

std::vector<std::string> default_masked_paths() {
    return {"/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
            "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
            "/proc/timer_list", "/proc/timer_stats",   "/sys/firmware",     "/sys/devices/virtual/powercap"};
}

std::vector<std::string> default_readonly_paths() {
    return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

// Of hull-runtime: what registers an emulator in the container's user namespace.
constexpr const char* k_emulator_key = "org.hull.emulator";

Result<model::oci::Spec> build_spec(const SpecInput& input) {
    const model::ContainerSettings& settings = input.settings;
    SecurityOptions security = TRY(parse_security_options(settings.host_config, input.options));
    model::oci::Spec spec;
    spec.oci_version = "1.3.0";
    spec.root = model::oci::Root{.path = "rootfs", .readonly = settings.host_config.readonly_rootfs};
    spec.process = TRY(build_process(input));
    if (input.namespaces.uts.share == Share::own) {
        spec.hostname = settings.config.hostname;
        spec.domainname = settings.config.domainname;
    }
    spec.mounts = TRY(build_mounts(input));
    spec.annotations = settings.host_config.annotations;
    spec.annotations.erase(k_emulator_key);
    if (!settings.architecture.empty())
        if (std::string program = input.host.emulator(settings.architecture); !program.empty())
            spec.annotations[k_emulator_key] = settings.architecture + "=" + program;
    TRY(build_linux(input, security, spec));
    if (auto names = TRY(cdi_names(settings.host_config)); !names.empty()) {
        auto edits = TRY(find_cdi_edits(names, input.host.cdi_specs(input.options.cdi_folders)));
        bool own = !TRY(find_runtime(input.options, settings.host_config.runtime));
        TRY(apply_cdi(edits, input.host, own ? Hooks::refused : Hooks::run, spec));
    }
    return spec;
}

} // namespace hull::engine
