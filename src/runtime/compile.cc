#include "runtime/compile.h"

#include <algorithm>
#include <array>

#include "base/field_path.h"
#include "kernel/lsm.h"
#include "kernel/namespaces.h"
#include "kernel/resctrl.h"
#include "runtime/compile_parts.h"
#include "sys/mount.h"

namespace hull::runtime {

namespace {

namespace oci = model::oci;

NamespaceUse* member_for(Namespaces& ns, std::string_view type) {
    if (type == "user") return &ns.user;
    if (type == "pid") return &ns.pid;
    if (type == "mount") return &ns.mount;
    if (type == "network") return &ns.net;
    if (type == "ipc") return &ns.ipc;
    if (type == "uts") return &ns.uts;
    if (type == "cgroup") return &ns.cgroup;
    if (type == "time") return &ns.time;
    return nullptr;
}

Result<void> add_namespace(const oci::Namespace& entry, Namespaces& ns) {
    NamespaceUse* use = member_for(ns, entry.type);
    if (!use) return bad_field("type", entry.type, "unknown namespace type");
    if (use->mode != NamespaceUse::Mode::host) return bad_field("type", entry.type, "is given twice");
    if (!entry.path.empty() && entry.path[0] != '/') return bad_field("path", entry.path, "is not absolute");
    use->mode = entry.path.empty() ? NamespaceUse::Mode::fresh : NamespaceUse::Mode::join;
    use->path = entry.path;
    return {};
}

Result<Namespaces> compile_namespaces(const oci::Linux& config, const CompileOptions& options) {
    Namespaces ns;
    for (size_t i = 0; i < config.namespaces.size(); ++i)
        TRY(in_member(in_element(add_namespace(config.namespaces[i], ns), i), "namespaces"));
    auto take = [](NamespaceUse& use, FdIndex fd) {
        if (use.mode == NamespaceUse::Mode::fresh && fd != no_fd) use = {NamespaceUse::Mode::join, fd, ""};
    };
    take(ns.user, options.user_ns);
    take(ns.net, options.net_ns);
    // An overlay is mounted nowhere else than in the container.
    if (ns.mount.mode != NamespaceUse::Mode::fresh && !options.lower.empty())
        return bad_field("namespaces", "a container needs a mount namespace of its own")
            .with_kind(ErrorKind::unsupported);
    return ns;
}

Result<std::vector<IdRange>> compile_map(const std::vector<oci::IdMapping>& mappings) {
    std::vector<IdRange> out;
    std::vector<kernel::IdMapping> checked;
    for (const auto& m : mappings) {
        out.push_back({m.container_id, m.host_id, m.size});
        checked.push_back({m.container_id, m.host_id, m.size});
    }
    TRY(kernel::check_id_map(checked));
    return out;
}

Result<void> compile_maps(const oci::Linux& config, Plan& plan) {
    if (plan.ns.user.mode == NamespaceUse::Mode::host) {
        if (!config.uid_mappings.empty() || !config.gid_mappings.empty())
            return bad_field(config.uid_mappings.empty() ? "gidMappings" : "uidMappings",
                             "id mappings need a user namespace");
        return {};
    }
    if (plan.ns.user.mode == NamespaceUse::Mode::join && config.uid_mappings.empty()) return {};
    plan.uid_map = TRY(in_member(compile_map(config.uid_mappings), "uidMappings"));
    plan.gid_map = TRY(in_member(compile_map(config.gid_mappings), "gidMappings"));
    return {};
}

Result<void> check_hostname(const std::string& name, const char* what) {
    constexpr size_t longest = 64; // __NEW_UTS_LEN
    if (name.size() > longest) return bad_field(what, name, "is longer than 64 bytes");
    if (name.find('\0') != name.npos) return bad_field(what, name, "has a zero byte in it");
    return {};
}

Result<void> compile_names(const oci::Spec& spec, Plan& plan) {
    TRY(check_hostname(spec.hostname, "hostname"));
    TRY(check_hostname(spec.domainname, "domainname"));
    if (plan.ns.uts.mode == NamespaceUse::Mode::fresh) {
        plan.hostname = spec.hostname;
        plan.domainname = spec.domainname;
    } else if (plan.ns.uts.mode == NamespaceUse::Mode::host) {
        const char* rule = "unable to set hostname without a private UTS namespace";
        if (!spec.hostname.empty()) return bad_field("hostname", spec.hostname, rule);
        if (!spec.domainname.empty()) return bad_field("domainname", spec.domainname, rule);
    }
    return {};
}

// Which namespace a setting of /proc/sys lives in. Only those of the
// container's own namespaces may be written: the others are the machine's.
Result<void> check_sysctl(const std::string& name, const Namespaces& ns) {
    static constexpr std::array<std::string_view, 9> ipc_names{
        "kernel.auto_msgmni", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",         "kernel.sem",
        "kernel.shmall",      "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    bool odd = name.empty() || name.front() == '.' || name.back() == '.' || name.find("..") != name.npos ||
               name.find('\0') != name.npos || name.front() == '/' || name.back() == '/';
    if (odd || name.find("//") != name.npos) return invalid("sysctl \"" + name + "\" is not a name of a setting");
    auto own = [](const NamespaceUse& use) { return use.mode != NamespaceUse::Mode::host; };
    std::string dotted = sysctl_dotted(name);
    if (dotted.starts_with("net.")) {
        if (own(ns.net)) return {};
        return invalid("sysctl \"" + name + "\" is not allowed in the host's network namespace");
    }
    if (std::ranges::find(ipc_names, dotted) != ipc_names.end() || dotted.starts_with("fs.mqueue.")) {
        if (own(ns.ipc)) return {};
        return invalid("sysctl \"" + name + "\" is not allowed in the host's ipc namespace");
    }
    if (dotted == "kernel.domainname") {
        if (own(ns.uts)) return {};
        return invalid("sysctl \"" + name + "\" is not allowed in the host's uts namespace");
    }
    return invalid("sysctl \"" + name + "\" is not in a separate kernel namespace");
}

Result<void> compile_root(const oci::Spec& spec, const CompileOptions& options, Plan& plan) {
    bool has_user_ns = plan.ns.user.mode != NamespaceUse::Mode::host;
    RootfsPlan& root = plan.rootfs;
    root.readonly = spec.root && spec.root->readonly;
    root.idmap = options.idmap_by_default && has_user_ns;
    if (!options.lower.empty()) {
        root.lower = options.lower;
        root.upper = options.upper;
        root.work = options.work;
        root.discarded = options.discarded && !options.upper.empty();
    } else {
        if (!spec.root || spec.root->path.empty()) return bad_field("root.path", "the configuration has none");
        root.path = TRY(in_member(absolute_host_path(spec.root->path, options.bundle), "root.path"));
    }
    if (root.idmap && plan.uid_map.empty())
        return bad_field("linux.uidMappings", "id-mapped mounts need the mapping of the user namespace that is joined");
    const std::string propagation = spec.linux_ ? spec.linux_->rootfs_propagation : "";
    if (propagation == "shared" || propagation == "rshared")
        root.propagation = MS_SHARED | (propagation[0] == 'r' ? MS_REC : 0);
    else if (propagation == "slave" || propagation == "rslave")
        root.propagation = MS_SLAVE | MS_REC;
    else if (propagation == "unbindable" || propagation == "runbindable")
        root.propagation = MS_UNBINDABLE;
    else if (!propagation.empty() && propagation != "private" && propagation != "rprivate")
        return bad_field("linux.rootfsPropagation", propagation, "is none of shared, slave, private and unbindable");
    return {};
}

Result<void> check_hook(const oci::Hook& hook) {
    if (!hook.path.starts_with('/')) return bad_field("path", hook.path, "is not absolute");
    if (hook.timeout && *hook.timeout <= 0) return bad_field("timeout", *hook.timeout, "is not above zero");
    return {};
}

Result<void> check_hooks(const oci::Hooks& hooks) {
    const std::array<std::pair<const char*, const std::vector<oci::Hook>*>, 6> kinds{
        {{"prestart", &hooks.prestart},
         {"createRuntime", &hooks.create_runtime},
         {"createContainer", &hooks.create_container},
         {"startContainer", &hooks.start_container},
         {"poststart", &hooks.poststart},
         {"poststop", &hooks.poststop}}};
    for (const auto& [kind, list] : kinds)
        for (size_t i = 0; i < list->size(); ++i) {
            const oci::Hook& hook = (*list)[i];
            TRY(in_member(in_member(in_element(check_hook(hook), i), kind), "hooks"));
        }
    return {};
}

std::vector<HookPlan> compile_hooks(const std::vector<oci::Hook>& hooks) {
    std::vector<HookPlan> out;
    for (const auto& hook : hooks) out.push_back({hook.path, hook.args, hook.env, hook.timeout.value_or(0)});
    return out;
}

Result<void> check_paths(const std::vector<std::string>& paths, const char* what) {
    for (size_t i = 0; i < paths.size(); ++i)
        if (!paths[i].starts_with('/'))
            return in_member(in_element(bad_field("", paths[i], "is not absolute"), i), what);
    return {};
}

void use_filter(const kernel::seccomp::Filter& filter, ProcessPlan& process) {
    process.seccomp = filter.program;
    process.seccomp_flags = filter.flags;
    process.seccomp_listener = filter.listener_path;
    process.seccomp_metadata = filter.listener_metadata;
}

Result<void> compile_filter(const oci::Linux& config, const CompileOptions& options, ProcessPlan& process) {
    if (options.seccomp) {
        use_filter(*options.seccomp, process);
    } else if (config.seccomp) {
        auto filter = TRY(kernel::seccomp::compile(*config.seccomp));
        use_filter(filter, process);
    }
    return {};
}

// "org.hull.emulator": "arm64=/usr/bin/qemu-aarch64-static".
Result<void> compile_emulator(const oci::Spec& spec, Plan& plan) {
    auto found = spec.annotations.find("org.hull.emulator");
    if (found == spec.annotations.end() || plan.uid_map.empty()) return {};
    size_t equals = found->second.find('=');
    if (equals == std::string::npos || !found->second.substr(equals + 1).starts_with('/'))
        return bad_field("annotations.org.hull.emulator", found->second, "isn't <architecture>=<absolute path>");
    plan.emulator = Plan::Emulator{found->second.substr(0, equals), found->second.substr(equals + 1)};
    // What is registered lasts as long as this is mounted.
    MountPlan list;
    list.kind = MountPlan::Kind::filesystem;
    list.fs_type = "binfmt_misc";
    list.target = "/proc/sys/fs/binfmt_misc";
    list.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    plan.mounts.push_back(std::move(list));
    return {};
}

// Paths of errors begin below "linux".
Result<void> compile_linux(const oci::Linux& config, Plan& plan) {
    TRY(check_paths(config.masked_paths, "maskedPaths"));
    TRY(check_paths(config.readonly_paths, "readonlyPaths"));
    plan.masked_paths = config.masked_paths;
    plan.readonly_paths = config.readonly_paths;
    for (const auto& [name, value] : config.sysctl) {
        TRY(in_member(in_member(check_sysctl(name, plan.ns), name), "sysctl"));
        plan.sysctls.push_back({name, value});
    }
    if (!config.mount_label.empty() && !kernel::selinux_enabled())
        return bad_field("mountLabel", config.mount_label, "can't be applied: SELinux is not enabled on this machine")
            .with_kind(ErrorKind::unsupported);
    plan.mount_label = config.mount_label;
    if (config.intel_rdt) TRY(in_member(kernel::check_intel_rdt(*config.intel_rdt), "intelRdt"));
    plan.time_offsets = TRY(compile_time_offsets(config, plan.ns));
    if (config.memory_policy)
        plan.process.memory_policy = TRY(in_member(compile_memory_policy(*config.memory_policy), "memoryPolicy"));
    if (config.personality)
        plan.process.personality = TRY(in_member(compile_personality(*config.personality), "personality"));
    TRY(compile_devices(config, plan));
    return {};
}

} // namespace

namespace {

// As sysctl(8): the first separator found is the separator, and the other
// character belongs to names ("net/ipv4/conf/eth0.1/forwarding" and
// "net.ipv4.conf.eth0/1.forwarding" are the same).
std::string with_separator(const std::string& name, char separator) {
    size_t first = name.find_first_of("./");
    if (first == name.npos || name[first] == separator) return name;
    std::string out = name;
    for (char& c : out) c = c == '.' ? '/' : c == '/' ? '.' : c;
    return out;
}

} // namespace

std::string sysctl_dotted(const std::string& name) { return with_separator(name, '.'); }
std::string sysctl_path(const std::string& name) { return with_separator(name, '/'); }

Result<std::string> absolute_host_path(const std::string& path, const std::string& bundle) {
    if (path.find('\0') != path.npos) return bad_field("", path, "has a zero byte in it");
    if (path.starts_with('/')) return path;
    if (bundle.empty()) return bad_field("", path, "is not an absolute path");
    return bundle + "/" + path;
}

namespace {

// The paths of errors begin with a dot.
Result<Plan> compile_parts(const oci::Spec& spec, const CompileOptions& options) {
    if (!spec.linux_) return unsupported("the configuration has no \"linux\" section");
    if (!spec.process) return invalid("the configuration has no process");
    Plan plan;
    plan.id = options.id;
    plan.ns = TRY(in_member(compile_namespaces(*spec.linux_, options), "linux"));
    TRY(in_member(compile_maps(*spec.linux_, plan), "linux"));
    TRY(compile_names(spec, plan));
    TRY(compile_root(spec, options, plan));
    plan.process = TRY(in_member(compile_process(*spec.process), "process"));
    TRY(in_member(compile_linux(*spec.linux_, plan), "linux"));
    TRY(compile_filter(*spec.linux_, options, plan.process));
    TRY(compile_mounts(spec, options, plan));
    TRY(compile_emulator(spec, plan));
    plan.cgroup = options.cgroup;
    plan.gate = options.gate;
    plan.rootfs.change = options.root_change;
    plan.process.keyring = options.keyring;
    plan.stop_for_hooks = !spec.linux_->net_devices.empty() || spec.linux_->intel_rdt.has_value();
    if (spec.hooks) {
        TRY(check_hooks(*spec.hooks));
        plan.stop_for_hooks = plan.stop_for_hooks || !spec.hooks->prestart.empty() ||
                              !spec.hooks->create_runtime.empty() || !spec.hooks->create_container.empty() ||
                              !spec.hooks->start_container.empty();
        plan.create_container_hooks = compile_hooks(spec.hooks->create_container);
        plan.start_container_hooks = compile_hooks(spec.hooks->start_container);
    }
    return plan;
}

} // namespace

Result<Plan> compile(const oci::Spec& spec, const CompileOptions& options) {
    return whole_path(compile_parts(spec, options));
}

Result<ExecPlan> compile_exec(const oci::Process& process, const Plan& container) {
    ExecPlan plan;
    plan.id = container.id;
    plan.process = TRY(whole_path(in_member(compile_process(process), "process")));
    plan.process.seccomp = container.process.seccomp;
    plan.process.seccomp_flags = container.process.seccomp_flags;
    plan.process.seccomp_listener = container.process.seccomp_listener;
    plan.process.seccomp_metadata = container.process.seccomp_metadata;
    plan.process.keyring = container.process.keyring;
    plan.process.memory_policy = container.process.memory_policy;
    plan.process.personality = container.process.personality;
    if (process.exec_cpu_affinity) TRY(compile_affinity(*process.exec_cpu_affinity, plan));
    plan.time_ns = container.ns.time.mode != NamespaceUse::Mode::host;
    plan.uid_map = container.uid_map;
    plan.gid_map = container.gid_map;
    plan.cgroup = container.cgroup;
    return plan;
}

} // namespace hull::runtime
