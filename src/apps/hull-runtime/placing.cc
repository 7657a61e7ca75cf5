#include "apps/hull-runtime/placing.h"

#include <unistd.h>

#include "apps/hull-runtime/rootless.h"
#include "kernel/cgroup/systemd/manager.h"
#include "kernel/cgroup/systemd/scope.h"
#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

namespace cgroup = kernel::cgroup;
using cgroup::systemd::Instance;

constexpr std::string_view unit_prefix = "hull-runtime";

// Root of the machine talks to process 1, everybody else to an instance of
// their own, also as root of a user namespace.
Instance instance_in_charge() {
    if (::geteuid() != 0) return Instance::user;
    auto map = sys::read_file("/proc/self/uid_map");
    bool whole = !map.ok() || map->find("4294967295") != map->npos;
    return whole ? Instance::system : Instance::user;
}

Result<cgroup::systemd::Placement> placement(const oci_runtime::Container& container, const model::oci::Spec& spec,
                                             Instance instance) {
    return cgroup::systemd::place(spec.linux_ ? spec.linux_->cgroups_path : "", unit_prefix, container.id, instance);
}

} // namespace

Result<void> place_cgroup(const Context& context, const model::oci::Spec& spec, Container& container) {
    if (context.driver == CgroupDriver::files) {
        container.cgroup_path = spec.linux_ ? spec.linux_->cgroups_path : "";
        if (container.cgroup_path.empty()) container.cgroup_path = default_cgroup_path(context, container.id);
        return {};
    }
    Instance instance = instance_in_charge();
    if (context.cgroups->version() == cgroup::Version::none)
        return Error(ErrorKind::unsupported, "--systemd-cgroup: this machine has no cgroups mounted");
    if (context.cgroups->version() == cgroup::Version::v1 && instance == Instance::user)
        return Error(ErrorKind::unsupported,
                     "--systemd-cgroup: without root it needs cgroup v2, and this machine has v1");
    auto place = TRY(placement(container, spec, instance));
    container.systemd_bus = TRY(cgroup::systemd::address_of(instance));
    container.systemd_unit = place.unit;
    container.cgroup_path = place.path;
    if (instance == Instance::user)
        container.cgroup_path = TRY(cgroup::systemd::own_cgroup(container.systemd_bus)) + place.path;
    return {};
}

Result<void> put_in_scope(const Container& container, const model::oci::Spec& spec, cgroup::Version version,
                          cgroup::Plan& plan) {
    auto place = TRY(placement(container, spec, instance_in_charge()));
    static const model::oci::Resources none;
    const auto& resources = spec.linux_ && spec.linux_->resources ? *spec.linux_->resources : none;
    cgroup::systemd::ScopeRequest request;
    request.bus = container.systemd_bus;
    request.unit = place.unit;
    request.slice = place.slice;
    request.description = "hull-runtime container " + container.id;
    request.annotations = container.annotations;
    return cgroup::systemd::put_in_scope(plan, version, resources, request);
}

cgroup::Scope scope_of(const Container& container) {
    return {.unit = container.systemd_unit, .bus = container.systemd_bus, .properties = {}};
}

Result<void> update_cgroup(const Context& context, const Container& container, const model::oci::Resources& resources) {
    // The files first: what is refused there is not told to systemd.
    TRY(context.cgroups->update(container.cgroup_path, resources));
    if (container.systemd_unit.empty()) return {};
    auto plan = TRY(context.cgroups->plan(container.cgroup_path, resources));
    std::string properties = cgroup::systemd::update_properties(plan, resources);
    if (properties.empty()) return {};
    TRY(cgroup::systemd::set_properties(scope_of(container), properties));
    // systemd wrote its own, rounded idea of all limits of a controller.
    return context.cgroups->update(container.cgroup_path, resources);
}

} // namespace hull::oci_runtime
