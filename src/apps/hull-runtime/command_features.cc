// features: what config.json may ask for (features.md of the specification). It
// says what the program can do, not what this machine has.

#include <algorithm>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/features.h"
#include "apps/hull-runtime/pretty.h"
#include "kernel/caps.h"
#include "kernel/mount_options.h"
#include "kernel/namespaces.h"

namespace hull::oci_runtime {

namespace {

json::Array texts(std::initializer_list<const char*> list) {
    json::Array out;
    for (const char* text : list) out.push_back(json::Value(text));
    return out;
}

json::Array namespaces() {
    std::vector<std::string> names;
    for (const auto& kind : kernel::namespace_kinds()) names.emplace_back(kind.oci_name);
    std::ranges::sort(names);
    return json::encode(names).as_array();
}

json::Object enabled(bool yes) { return {{"enabled", yes}}; }

json::Object seccomp() {
    json::Array flags =
        texts({"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"});
    return {
        {"enabled", true},
        {"actions",
         texts({"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
                "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"})},
        {"operators", texts({"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
                             "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"})},
        {"archs", texts({"SCMP_ARCH_AARCH64",  "SCMP_ARCH_ARM",         "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
                         "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL",
                         "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PARISC",      "SCMP_ARCH_PARISC64",
                         "SCMP_ARCH_PPC",      "SCMP_ARCH_PPC64",       "SCMP_ARCH_PPC64LE",     "SCMP_ARCH_RISCV64",
                         "SCMP_ARCH_S390",     "SCMP_ARCH_S390X",       "SCMP_ARCH_SH",          "SCMP_ARCH_SHEB",
                         "SCMP_ARCH_X32",      "SCMP_ARCH_X86",         "SCMP_ARCH_X86_64"})},
        {"knownFlags", flags},
        {"supportedFlags", flags}};
}

json::Object memory_policy() {
    return {{"modes", texts({"MPOL_BIND", "MPOL_DEFAULT", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED",
                             "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"})},
            {"flags", texts({"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"})}};
}

json::Object linux_section() {
    return {
        {"namespaces", namespaces()},
        {"capabilities", json::encode(kernel::capability_names((uint64_t{1} << kernel::known_capabilities) - 1))},
        {"cgroup", json::Object{{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", true}}},
        {"seccomp", seccomp()},
        {"apparmor", enabled(true)},
        {"selinux", enabled(true)},
        {"memoryPolicy", memory_policy()},
        {"intelRdt", json::Object{{"enabled", true}, {"schemata", true}, {"monitoring", true}}},
        {"mountExtensions", json::Object{{"idmap", enabled(true)}}},
        {"netDevices", enabled(true)}};
}

} // namespace

json::Object features() {
    return {
        {"ociVersionMin", "1.0.0"},
        {"ociVersionMax", supported_version},
        {"hooks", texts({"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"})},
        {"mountOptions", json::encode(kernel::known_mount_options())},
        {"linux", linux_section()},
        {"potentiallyUnsafeConfigAnnotations", texts({"org.criu.config", "org.systemd.property."})},
        {"annotations", json::Object{{"org.hull.runtime.version", HULL_VERSION},
                                     {"org.opencontainers.runc.checkpoint.enabled", "true"}}}};
}

Result<int> run_features(Context&, const Args&) {
    TRY(print(pretty(features(), "    ") + "\n"));
    return 0;
}

} // namespace hull::oci_runtime
