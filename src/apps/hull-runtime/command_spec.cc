// spec: an example to begin with.

#include <fcntl.h>
#include <unistd.h>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/pretty.h"
#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

oci::Mount mount(const char* destination, const char* type, const char* source, std::vector<std::string> options) {
    oci::Mount m;
    m.destination = destination;
    m.type = type;
    m.source = source;
    m.options = std::move(options);
    return m;
}

// As runc: with v1 the container's own cgroup namespace is left to be asked for.
bool has_unified_cgroups() {
    constexpr uint64_t cgroup2_magic = 0x63677270;
    auto top = sys::open("/sys/fs/cgroup", O_PATH | O_DIRECTORY);
    if (!top.ok()) return false;
    auto magic = sys::filesystem_magic(*top);
    return magic.ok() && *magic == cgroup2_magic;
}

oci::Process example_process() {
    oci::Process p;
    p.terminal = true;
    p.args = {"sh"};
    p.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
    p.cwd = "/";
    const std::vector<std::string> caps{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
    p.capabilities =
        oci::Capabilities{.bounding = caps, .effective = caps, .inheritable = {}, .permitted = caps, .ambient = {}};
    p.rlimits.push_back({"RLIMIT_NOFILE", 1024, 1024});
    p.no_new_privileges = true;
    return p;
}

oci::Spec example() {
    oci::Spec spec;
    spec.oci_version = supported_version;
    spec.process = example_process();
    spec.root = oci::Root{"rootfs", true};
    spec.hostname = "hull";
    spec.mounts = {
        mount("/proc", "proc", "proc", {}),
        mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
        mount("/dev/pts", "devpts", "devpts",
              {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
        mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
        mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
        mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}),
    };
    oci::Linux& l = spec.linux_.emplace();
    oci::DeviceRule deny;
    deny.access = "rwm";
    l.resources.emplace().devices = {deny};
    for (const char* type : {"pid", "network", "ipc", "uts", "mount"}) l.namespaces.push_back({type, ""});
    if (has_unified_cgroups()) l.namespaces.push_back({"cgroup", ""});
    l.masked_paths = {"/proc/acpi",        "/proc/asound",        "/proc/interrupts", "/proc/kcore",
                      "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                      "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap"};
    l.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    return spec;
}

// As runc: the user as root, the host's network, which a new sysfs doesn't go
// with, no limits, and no group that isn't mapped.
void make_rootless(oci::Spec& spec) {
    oci::Linux& l = *spec.linux_;
    std::erase_if(l.namespaces, [](const oci::Namespace& ns) { return ns.type == "network"; });
    l.namespaces.push_back({"user", ""});
    l.uid_mappings = {{0, ::geteuid(), 1}};
    l.gid_mappings = {{0, ::getegid(), 1}};
    l.resources.reset();
    for (oci::Mount& m : spec.mounts) {
        if (m.destination == "/sys") m = mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
        std::erase_if(m.options, [](const std::string& option) { return option.starts_with("gid="); });
    }
}

} // namespace

Result<int> run_spec(Context&, const Args& args) {
    std::string folder = args.value("bundle");
    std::string path = (folder.empty() ? "." : folder) + "/config.json";
    if (sys::exists(path)) return Error(ErrorKind::conflict, "File config.json exists. Remove it first");
    oci::Spec spec = example();
    if (args.has("rootless")) make_rootless(spec);
    auto value = TRY(json::parse(oci::print_spec(spec)));
    TRY(sys::replace_file(path, pretty(value, "\t") + "\n", 0666));
    return 0;
}

} // namespace hull::oci_runtime
