#include "apps/hull-runtime/environment.h"

#include <algorithm>

#include <fcntl.h>

#include "kernel/namespaces.h"
#include "kernel/net_devices.h"
#include "kernel/resctrl.h"
#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

const oci::Namespace* find(const oci::Linux& config, std::string_view type) {
    auto at = std::ranges::find(config.namespaces, type, &oci::Namespace::type);
    return at == config.namespaces.end() ? nullptr : &*at;
}

std::vector<oci::IdMapping> to_mappings(const std::vector<kernel::IdMapping>& map) {
    std::vector<oci::IdMapping> out;
    for (const auto& range : map) out.push_back({range.inside, range.outside, range.size});
    return out;
}

Result<void> move_devices(const Container& container, const oci::Linux& config) {
    if (config.net_devices.empty()) return {};
    if (!find(config, "network"))
        return invalid("linux.netDevices: the container has no network namespace of its own to move devices to");
    UniqueFd net = TRY(sys::open("/proc/" + std::to_string(container.pid) + "/ns/net", O_RDONLY));
    for (const auto& [name, device] : config.net_devices)
        TRY(kernel::move_net_device(name, net, device.name).context([&] { return "linux.netDevices." + name; }));
    return {};
}

} // namespace

Result<void> complete_mappings(oci::Spec& spec) {
    if (!spec.linux_ || !spec.linux_->uid_mappings.empty() || !spec.linux_->gid_mappings.empty()) return {};
    const oci::Namespace* user = find(*spec.linux_, "user");
    if (!user || user->path.empty()) return {};
    auto maps = TRY(kernel::read_id_maps(user->path).context("linux.namespaces: user namespace " + user->path));
    spec.linux_->uid_mappings = to_mappings(maps.uids);
    spec.linux_->gid_mappings = to_mappings(maps.gids);
    return {};
}

Result<void> equip(const Container& container, const oci::Spec& spec) {
    if (!spec.linux_) return {};
    TRY(move_devices(container, *spec.linux_));
    if (!spec.linux_->intel_rdt) return {};
    std::string resctrl = TRY(kernel::find_resctrl());
    return kernel::join_resctrl(resctrl, container.id, *spec.linux_->intel_rdt, container.pid)
        .context("linux.intelRdt");
}

Result<void> strip(const Container& container, const oci::Spec& spec) {
    if (!spec.linux_ || !spec.linux_->intel_rdt) return {};
    auto resctrl = kernel::find_resctrl();
    if (!resctrl.ok()) return {}; // unmounted meanwhile, and its classes with it
    return kernel::leave_resctrl(*resctrl, container.id, *spec.linux_->intel_rdt).context("linux.intelRdt");
}

bool shares_mounts(const oci::Spec& spec) { return spec.linux_ && !find(*spec.linux_, "mount"); }

} // namespace hull::oci_runtime
