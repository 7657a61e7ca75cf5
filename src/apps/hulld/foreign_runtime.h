// Containers made by other OCI runtimes (runc, crun, ...) through their command
// line. The keeper runs `<runtime> run` as a program of the machine's, which
// stays as the container's parent and passes on streams, signals and the exit
// code; `<runtime> exec` the same way. So streams, logs, attach and the end are
// the keeper's business as with our own containers, and cgroups are ours.
//
// <exec-root>/bundles/<id>/ holds config.json, rootfs (an overlay, mounted on the
// machine), the file runtime (its path and arguments), pid, and log.json. It is
// there exactly as long as the container may run. Thread-safe.
#pragma once

#include <string>

#include "apps/hulld/plan_maker.h"
#include "engine/runtime_port.h"

namespace hull {

class ForeignRuntimes {
public:
    ForeignRuntimes(const std::string& exec_root, const CgroupDriver& driver)
        : bundles_(exec_root + "/bundles"), state_(exec_root + "/oci"), driver_(driver) {}

    // The bundle, and the plan that runs the runtime on it. Nothing is left on an error.
    Result<MadePlan> make(const engine::LaunchRequest& request);
    // Whether the container is of another runtime.
    bool has(const ContainerId& id) const;
    // Of the container's init; 0: it isn't there yet.
    int pid(const ContainerId& id) const;
    // What the runtime said when it failed.
    Error failure(const ContainerId& id) const;
    Result<runtime::ExecPlan> make_exec(const model::oci::Process& process, const ContainerId& id);
    Result<void> kill(const ContainerId& id, int signal) const;
    // After its end. Idempotent.
    Result<void> remove(const ContainerId& id);
    // The cgroup above the containers', where a runtime made it and nobody needs it.
    void remove_parent(const std::string& cgroup_parent) const;

private:
    std::string bundle(const ContainerId& id) const { return bundles_ + "/" + id.str(); }
    Result<std::vector<std::string>> command(const ContainerId& id) const; // program and its first arguments
    Result<void> write_bundle(const engine::LaunchRequest& request);
    Result<void> resolve_user(const ContainerId& id, model::oci::Process& process) const;

    std::string bundles_, state_;
    const CgroupDriver& driver_;
};

} // namespace hull
