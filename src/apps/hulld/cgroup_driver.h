// Who makes the cgroups of containers: hulld itself, through the files, or
// systemd (native.cgroupdriver=systemd), as scopes that systemctl, systemd-cgls
// and systemd's own accounting show.
//
// Paths are given as the engine has them, "<parent>/<container>"; with systemd
// parent is a slice, "/machine.slice".
#pragma once

#include <string>

#include "base/result.h"
#include "kernel/cgroup/cgroup.h"
#include "kernel/cgroup/plan.h"
#include "model/oci_spec.h"

namespace hull {

class CgroupDriver {
public:
    CgroupDriver() = default; // the files
    explicit CgroupDriver(std::string systemd_bus) : bus_(std::move(systemd_bus)) {}
    // Error unavailable: process 1 is no systemd, or nobody listens.
    static Result<CgroupDriver> systemd();

    bool is_systemd() const { return !bus_.empty(); }
    // Below each hierarchy. Error invalid_argument: the parent is no slice.
    Result<std::string> path(const std::string& wanted) const;
    // "slice:prefix:name", for other runtimes. Same errors.
    Result<std::string> for_runtimes(const std::string& wanted) const;
    // Has systemd make what the plan of path(wanted) says.
    Result<void> adopt(kernel::cgroup::Plan& plan, kernel::cgroup::Version version, const std::string& wanted,
                       const model::oci::Resources& resources) const;
    // Tells systemd of limits that the files have already. path: as of path().
    Result<void> tell(const kernel::cgroup::Cgroups& cgroups, const std::string& path,
                      const model::oci::Resources& resources) const;
    // For kernel::cgroup::remove(): the unit goes too.
    void name_unit(kernel::cgroup::Plan& plan, const std::string& path) const;

private:
    std::string bus_; // D-Bus address; empty: the files
};

} // namespace hull
