#include <algorithm>
#include <array>
#include <charconv>

#include <sys/sysmacros.h>

#include "base/field_path.h"
#include "kernel/devices.h"
#include "kernel/mount_options.h"
#include "kernel/mount_table.h"
#include "kernel/namespaces.h"
#include "runtime/compile_parts.h"
#include "runtime/id_map.h"
#include "sys/mount.h"

namespace hull::runtime {

namespace {

namespace oci = model::oci;

// "/a//b/./c/" -> "/a/b/c"; ".." takes a part away, as inside a root.
std::string clean_path(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        size_t slash = path.find('/');
        std::string_view part = path.substr(0, slash);
        path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part != "..")
            parts.push_back(part);
        else if (!parts.empty())
            parts.pop_back();
    }
    std::string out;
    for (auto part : parts) out.append("/").append(part);
    return out.empty() ? "/" : out;
}

// Files of /proc that may be covered (lxcfs does); anything else below it would
// hide what the runtime relies on (CVE-2019-16884).
bool may_cover_in_proc(std::string_view target) {
    static constexpr std::array<std::string_view, 10> allowed{
        "/proc/cpuinfo",  "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/net/dev",
        "/proc/slabinfo", "/proc/stat",      "/proc/swaps",   "/proc/uptime",  "/proc/sys/kernel/ns_last_pid"};
    return std::ranges::find(allowed, target) != allowed.end();
}

Result<std::vector<IdRange>> own_map(const std::vector<oci::IdMapping>& mappings) {
    std::vector<IdRange> out;
    std::vector<kernel::IdMapping> checked;
    for (const auto& m : mappings) {
        out.push_back({m.container_id, m.host_id, m.size});
        checked.push_back({m.container_id, m.host_id, m.size});
    }
    TRY(kernel::check_id_map(checked));
    return out;
}

Result<void> compile_idmap(const oci::Mount& mount, const kernel::MountOptions& options, const CompileOptions& compile,
                           const Plan& plan, MountPlan& out) {
    bool has_user_ns = plan.ns.user.mode != NamespaceUse::Mode::host;
    out.idmap_recursive = options.idmap_recursive;
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
        return bad_field(mount.uid_mappings.empty() ? "uidMappings" : "gidMappings",
                         "uidMappings and gidMappings must be given together");
    if (!mount.uid_mappings.empty() || !mount.gid_mappings.empty()) {
        out.idmap = MountPlan::IdMap::own;
        out.uid_map = TRY(in_member(own_map(mount.uid_mappings), "uidMappings"));
        out.gid_map = TRY(in_member(own_map(mount.gid_mappings), "gidMappings"));
    } else if (options.idmap) {
        if (!has_user_ns) return bad_field("options", "idmap", "needs a user namespace or mappings of its own");
        out.idmap = MountPlan::IdMap::container;
    } else if (compile.idmap_by_default && has_user_ns) {
        out.idmap = MountPlan::IdMap::container;
        out.idmap_recursive = true;
    }
    return {};
}

Result<void> check_target(const oci::Mount& mount, const MountPlan& plan) {
    auto refuse = [&](const std::string& rule) { return bad_field("destination", mount.destination, rule); };
    if (plan.target == "/") return refuse("nothing can be mounted on /");
    if (plan.target == "/proc" || !kernel::is_below(plan.target, "/proc")) return {};
    if (plan.kind == MountPlan::Kind::filesystem && plan.fs_type == "proc")
        return refuse("proc can't be mounted below /proc");
    if (!may_cover_in_proc(plan.target))
        return refuse("\"" + plan.target + "\" cannot be mounted because it is inside /proc");
    return {};
}

Result<MountPlan> compile_mount(const oci::Mount& mount, const CompileOptions& compile, const Plan& plan) {
    if (mount.destination.empty()) return bad_field("destination", "is missing or empty");
    if (mount.destination.find('\0') != mount.destination.npos)
        return bad_field("destination", mount.destination, "has a zero byte in it");
    MountPlan out;
    out.target = clean_path(mount.destination);
    auto options = TRY(in_member(kernel::parse_mount_options(mount.options, mount.type == "bind"), "options"));
    out.attr_set = options.set;
    out.attr_clear = options.clear;
    out.attr_set_rec = options.set_rec;
    out.attr_clear_rec = options.clear_rec;
    out.propagation = options.propagation;
    out.recursive = options.recursive;
    out.copy_up = options.copy_up;
    out.data = options.data;
    if (options.remount) {
        out.kind = options.bind ? MountPlan::Kind::remount_bind : MountPlan::Kind::remount;
    } else if (options.bind || mount.type == "bind") {
        out.kind = MountPlan::Kind::bind;
        out.source = TRY(in_member(absolute_host_path(mount.source, compile.bundle), "source"));
        TRY(compile_idmap(mount, options, compile, plan, out));
        if (auto image = compile.image_mounts.find(mount.destination); image != compile.image_mounts.end())
            out.lower = image->second;
    } else if (mount.type == "cgroup" || mount.type == "cgroup2") {
        out.kind = MountPlan::Kind::cgroup;
        out.data.clear();
    } else {
        if (mount.type.empty()) return bad_field("type", "there is neither a type nor the option bind");
        out.fs_type = mount.type;
        out.source = mount.source;
        if (options.idmap || !mount.uid_mappings.empty())
            return bad_field("type", mount.type, "only bind mounts can be id-mapped").with_kind(ErrorKind::unsupported);
        if (out.copy_up && mount.type != "tmpfs") return bad_field("options", "tmpcopyup", "is for tmpfs");
        if (out.target == "/dev" && mount.type == "tmpfs") out.kind = MountPlan::Kind::dev;
    }
    TRY(check_target(mount, out));
    return out;
}

bool has_mount_at(const Plan& plan, std::string_view target) {
    return std::ranges::any_of(plan.mounts, [&](const MountPlan& m) { return m.target == target; });
}

// Clients that didn't write the configuration know the mount by its destination.
Result<MountPlan> named_mount(const oci::Mount& mount, const CompileOptions& options, const Plan& plan) {
    auto compiled = compile_mount(mount, options, plan);
    if (compiled.ok() || mount.destination.empty() || compiled.error().message().starts_with(".destination"))
        return compiled;
    const Error& error = compiled.error();
    return Error(error.kind(), error.message() + " (the mount on " + mount.destination + ")").with_code(error.code());
}

Result<void> add_device(const oci::Device& device, Plan& plan) {
    if (!device.path.starts_with('/')) return bad_field("path", device.path, "is not absolute");
    DevicePlan out;
    out.path = clean_path(device.path);
    if (out.path == "/dev/ptmx") return {}; // always a link to the container's own pts/ptmx
    if (device.type != "c" && device.type != "u" && device.type != "b" && device.type != "p")
        return bad_field("type", device.type, "is none of c, u, b and p");
    out.type = device.type == "u" ? 'c' : device.type[0];
    bool has_number = out.type != 'p';
    if (has_number && (device.major < 0 || device.major >= 4096))
        return bad_field("major", device.major, "is not within 0 to 4095");
    if (has_number && (device.minor < 0 || device.minor >= 1 << 20))
        return bad_field("minor", device.minor, "is not within 0 to 1048575");
    out.major = static_cast<uint32_t>(device.major);
    out.minor = static_cast<uint32_t>(device.minor);
    out.mode = device.file_mode.value_or(0666) & 07777;
    out.uid = device.uid.value_or(0);
    out.gid = device.gid.value_or(0);
    // The configuration's own words on a default device win.
    std::erase_if(plan.devices, [&](const DevicePlan& d) { return d.path == out.path; });
    plan.devices.push_back(std::move(out));
    return {};
}

// In a user namespace that isn't the owner of the network namespace the kernel
// refuses a new sysfs; Docker's way is then the host's, read-only.
bool must_bind_sysfs(const Plan& plan) {
    return plan.ns.user.mode != NamespaceUse::Mode::host && plan.ns.net.mode == NamespaceUse::Mode::host;
}

// The terminals' group (5 everywhere) is a nicety that the kernel refuses where
// it isn't mapped: they get the group of whoever opens them then.
void drop_unmapped_group(const Plan& plan, MountPlan& devpts) {
    if (plan.gid_map.empty()) return;
    constexpr std::string_view key = "gid=";
    std::string kept;
    std::string_view rest = devpts.data;
    while (!rest.empty()) {
        std::string_view option = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), option.size() + 1));
        uint32_t gid = 0;
        if (option.starts_with(key)) {
            std::from_chars(option.data() + key.size(), option.data() + option.size(), gid);
            if (!to_outside(plan.gid_map, gid)) continue;
        }
        kept.append(kept.empty() ? "" : ",").append(option);
    }
    devpts.data = std::move(kept);
}

} // namespace

Result<void> compile_mounts(const oci::Spec& spec, const CompileOptions& options, Plan& plan) {
    for (size_t i = 0; i < spec.mounts.size(); ++i) {
        auto compiled = TRY(in_member(in_element(named_mount(spec.mounts[i], options, plan), i), "mounts"));
        if (compiled.fs_type == "sysfs" && must_bind_sysfs(plan)) {
            compiled.kind = MountPlan::Kind::bind;
            compiled.source = "/sys";
            compiled.recursive = true;
            compiled.data.clear();
        }
        if (compiled.fs_type == "devpts") drop_unmapped_group(plan, compiled);
        plan.mounts.push_back(std::move(compiled));
    }
    // A /dev that comes from elsewhere has its own nodes.
    auto dev = std::ranges::find(plan.mounts, "/dev", &MountPlan::target);
    if (dev != plan.mounts.end() && dev->kind == MountPlan::Kind::bind) {
        plan.devices.clear();
        plan.default_dev_links = false;
    }
    if (plan.process.terminal && !has_mount_at(plan, "/dev/pts") &&
        (dev == plan.mounts.end() || dev->kind != MountPlan::Kind::bind))
        return bad_field("process.terminal", "a terminal needs a devpts mount on /dev/pts");
    return {};
}

Result<void> compile_devices(const oci::Linux& config, Plan& plan) {
    for (const auto& device : kernel::default_devices())
        plan.devices.push_back({std::string(device.path), 'c', device.major, device.minor, 0666, 0, 0});
    for (size_t i = 0; i < config.devices.size(); ++i)
        TRY(in_member(in_element(add_device(config.devices[i], plan), i), "devices"));
    return {};
}

} // namespace hull::runtime
