#include "kernel/cgroup/systemd/scope.h"

#include "kernel/cgroup/device_rules.h"
#include "kernel/cgroup/systemd/properties.h"

namespace hull::kernel::cgroup::systemd {

namespace {

NamedValues limits_of(const Plan& plan) {
    std::vector<Write> writes;
    for (const Dir& dir : plan.dirs) writes.insert(writes.end(), dir.writes.begin(), dir.writes.end());
    return limit_properties(writes);
}

} // namespace

Result<void> put_in_scope(Plan& plan, Version version, const model::oci::Resources& resources,
                          const ScopeRequest& request) {
    NamedValues annotations = TRY(annotation_properties(request.annotations));
    NamedValues limits = limits_of(plan);
    limits.merge(device_properties(TRY(normalise(resources.devices))));
    // systemd's own hierarchy of v1 is for nobody else to write to.
    std::erase_if(plan.dirs, [](const Dir& dir) { return !dir.unified && dir.name == "systemd"; });
    plan.scope = {request.unit, request.bus,
                  scope_properties(version, request.slice, request.description, limits, annotations)};
    return {};
}

std::string update_properties(const Plan& plan, const model::oci::Resources& resources) {
    NamedValues limits = limits_of(plan);
    for (const Dir& dir : plan.dirs) limits.merge(limit_properties(dir.late));
    // A new period alone leaves the quota.
    if (!resources.cpu || resources.cpu->quota.value_or(0) == 0)
        if (!resources.unified.contains("cpu.max")) limits.erase("CPUQuotaPerSecUSec");
    return to_elements(limits);
}

} // namespace hull::kernel::cgroup::systemd
