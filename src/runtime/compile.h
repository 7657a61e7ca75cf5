// OCI Spec -> Plan: text to types, once, with every request checked. What
// can't be honoured is an error here (unsupported, invalid_argument), before
// anything is made.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/seccomp/seccomp.h"
#include "model/oci_spec.h"
#include "runtime/plan.h"

namespace hull::runtime {

struct CompileOptions {
    std::string id;
    // A relative root.path and relative bind sources start here (hull-runtime);
    // empty: they must be absolute.
    std::string bundle;
    // When set, the root is this overlay and spec.root only says readonly.
    std::vector<std::string> lower; // topmost first
    std::string upper, work;
    bool discarded = false; // RootfsPlan::discarded
    // Of the spec's bind mounts, by destination: those of an image, and their layers (MountPlan::lower).
    std::map<std::string, std::vector<std::string>> image_mounts;
    // Enter rootfs and bind mounts through id-mapped mounts where the
    // container has a user namespace. The engine: true. hull-runtime: false,
    // as the specification's way is idmap options and mappings per mount.
    bool idmap_by_default = false;
    // Index (in the list given to launch) of namespaces made beforehand, used
    // for the "user" and "network" entries of the spec that have no path.
    FdIndex user_ns = no_fd, net_ns = no_fd;
    Gate gate = Gate::none;
    RootChange root_change = RootChange::pivot;
    Keyring keyring = Keyring::fresh;
    // From kernel/cgroup: spec.linux.cgroupsPath and resources, translated to
    // this machine's layout.
    CgroupPlan cgroup;
    // The spec's seccomp profile, compiled already (who launches many keeps it:
    // kernel::seccomp::cache_key); nullopt: compile() does it.
    std::optional<kernel::seccomp::Filter> seccomp;
};

Result<Plan> compile(const model::oci::Spec& spec, const CompileOptions& options);

// container: the plan that the container was launched with.
Result<ExecPlan> compile_exec(const model::oci::Process& process, const Plan& container);

} // namespace hull::runtime
