#include "cgroup_driver.h"

#include "kernel/cgroup/systemd/manager.h"
#include "kernel/cgroup/systemd/scope.h"

namespace hull {

namespace {

namespace systemd = kernel::cgroup::systemd;

constexpr const char* kUnitPrefix = "hull";

struct Wanted {
    std::string slice, id;
};

Wanted split(const std::string& wanted) {
    const size_t id = wanted.rfind('/');
    const size_t slice = wanted.rfind('/', id == 0 ? 0 : id - 1);
    return {wanted.substr(slice + 1, id - slice - 1), wanted.substr(id + 1)};
}

Result<systemd::Placement> place(const std::string& wanted) {
    auto [slice, id] = split(wanted);
    return systemd::place(slice + ":" + kUnitPrefix + ":" + id, kUnitPrefix, id, systemd::Instance::system);
}

std::string unit_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

} // namespace

Result<CgroupDriver> CgroupDriver::systemd() {
    constexpr const char* doing = "cgroups by systemd";
    TRY(systemd::system_state().context(doing));
    return CgroupDriver(TRY(systemd::address_of(systemd::Instance::system).context(doing)));
}

Result<std::string> CgroupDriver::path(const std::string& wanted) const {
    if (!is_systemd()) return wanted;
    auto placement = TRY(place(wanted));
    return placement.path;
}

Result<std::string> CgroupDriver::for_runtimes(const std::string& wanted) const {
    if (!is_systemd()) return wanted;
    auto [slice, id] = split(wanted);
    return slice + ":" + kUnitPrefix + ":" + id;
}

Result<void> CgroupDriver::adopt(kernel::cgroup::Plan& plan, kernel::cgroup::Version version, const std::string& wanted,
                                 const model::oci::Resources& resources) const {
    if (!is_systemd()) return {};
    auto placement = TRY(place(wanted));
    systemd::ScopeRequest request;
    request.bus = bus_;
    request.unit = placement.unit;
    request.slice = placement.slice;
    request.description = "hull container " + split(wanted).id;
    return systemd::put_in_scope(plan, version, resources, request);
}

Result<void> CgroupDriver::tell(const kernel::cgroup::Cgroups& cgroups, const std::string& path,
                                const model::oci::Resources& resources) const {
    if (!is_systemd()) return {};
    auto plan = TRY(cgroups.plan(path, resources));
    const std::string properties = systemd::update_properties(plan, resources);
    if (properties.empty()) return {};
    TRY(systemd::set_properties({.unit = unit_of(path), .bus = bus_, .properties = {}}, properties));
    // systemd wrote its own, rounded idea of all limits of a controller.
    return cgroups.update(path, resources);
}

void CgroupDriver::name_unit(kernel::cgroup::Plan& plan, const std::string& path) const {
    if (is_systemd()) plan.scope = {.unit = unit_of(path), .bus = bus_, .properties = {}};
}

} // namespace hull
