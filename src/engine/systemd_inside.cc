#include "engine/systemd_inside.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "engine/host_facts.h"

namespace hull::engine {
namespace {

std::optional<bool> asked_for(const model::HostConfig& host) {
    std::optional<bool> asked;
    for (const std::string& option : host.security_opt) {
        if (option == "writable-cgroups=true") asked = true;
        if (option == "writable-cgroups=false") asked = false;
    }
    return asked;
}

} // namespace

bool runs_systemd(const model::ContainerSettings& settings) {
    constexpr std::array<std::string_view, 3> inits = {"/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"};
    const model::HostConfig& host = settings.host_config;
    // It has to be process 1.
    if (host.init.value_or(false) || !host.pid_mode.empty()) return false;
    std::string_view path = settings.path;
    return path.substr(path.rfind('/') + 1) == "systemd" || std::ranges::find(inits, path) != inits.end();
}

Result<bool> writable_cgroups(const model::ContainerSettings& settings, const NamespaceChoice& namespaces,
                              HostPort& machine) {
    const bool own_users = namespaces.user.share == Share::own, own_view = namespaces.cgroup.share == Share::own;
    const auto asked = asked_for(settings.host_config);
    if (!asked) return runs_systemd(settings) && own_users && own_view;
    if (*asked && !own_users && !has_unified_cgroups(machine))
        return Error(ErrorKind::unsupported, "writable-cgroups=true takes cgroup v2, or a container with users of its "
                                             "own: the container could lift its limits");
    return *asked;
}

} // namespace hull::engine
