// spec, features.

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/pretty.h"
#include "kernel/caps.h"
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
    spec.oci_version = "1.2.0";
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
    for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) l.namespaces.push_back({type, ""});
    l.masked_paths = {"/proc/acpi",        "/proc/asound",        "/proc/interrupts", "/proc/kcore",
                      "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                      "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap"};
    l.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    return spec;
}

} // namespace

Result<int> run_spec(Context&, const Args& args) {
    std::string folder = args.value("bundle");
    std::string path = (folder.empty() ? "." : folder) + "/config.json";
    if (args.has("rootless")) return Error(ErrorKind::unsupported, "--rootless is not supported");
    if (sys::exists(path)) return Error(ErrorKind::conflict, "File config.json exists. Remove it first");
    auto value = TRY(json::parse(oci::print_spec(example())));
    TRY(sys::replace_file(path, pretty(value, "\t") + "\n", 0666));
    return 0;
}

namespace {

json::Array texts(std::initializer_list<const char*> list) {
    json::Array out;
    for (const char* text : list) out.push_back(json::Value(text));
    return out;
}

json::Array capabilities() {
    json::Array out;
    for (int i = 0; i < kernel::known_capabilities; ++i) out.push_back(json::Value(kernel::capability_name(i)));
    return out;
}

} // namespace

Result<int> run_features(Context&, const Args&) {
    json::Object seccomp{
        {"enabled", true},
        {"actions", texts({"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                           "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"})},
        {"operators", texts({"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
                             "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"})},
        {"archs", texts({"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"})},
        {"knownFlags",
         texts({"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"})},
        {"supportedFlags",
         texts({"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"})}};
    json::Object linux_section{
        {"namespaces", texts({"cgroup", "ipc", "mount", "network", "pid", "user", "uts"})},
        {"capabilities", capabilities()},
        {"cgroup",
         json::Object{{"v1", true}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", false}}},
        {"seccomp", seccomp},
        {"apparmor", json::Object{{"enabled", false}}},
        {"selinux", json::Object{{"enabled", false}}},
        {"intelRdt", json::Object{{"enabled", false}}},
        {"mountExtensions", json::Object{{"idmap", json::Object{{"enabled", true}}}}}};
    json::Object features{
        {"ociVersionMin", "1.0.0"},
        {"ociVersionMax", "1.2.0"},
        {"hooks", texts({"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"})},
        {"mountOptions", texts({"async",
                                "atime",
                                "bind",
                                "defaults",
                                "dev",
                                "diratime",
                                "dirsync",
                                "exec",
                                "idmap",
                                "lazytime",
                                "noatime",
                                "nodev",
                                "nodiratime",
                                "noexec",
                                "nolazytime",
                                "norelatime",
                                "nostrictatime",
                                "nosuid",
                                "nosymfollow",
                                "private",
                                "ratime",
                                "rbind",
                                "rdev",
                                "rdiratime",
                                "relatime",
                                "rexec",
                                "ridmap",
                                "rnoatime",
                                "rnodev",
                                "rnodiratime",
                                "rnoexec",
                                "rnorelatime",
                                "rnostrictatime",
                                "rnosuid",
                                "rnosymfollow",
                                "ro",
                                "rprivate",
                                "rrelatime",
                                "rro",
                                "rrw",
                                "rshared",
                                "rslave",
                                "rstrictatime",
                                "rsuid",
                                "rsymfollow",
                                "runbindable",
                                "rw",
                                "shared",
                                "slave",
                                "strictatime",
                                "suid",
                                "symfollow",
                                "sync",
                                "tmpcopyup",
                                "unbindable"})},
        {"linux", linux_section}};
    TRY(print(pretty(features, "    ") + "\n"));
    return 0;
}

} // namespace hull::oci_runtime
