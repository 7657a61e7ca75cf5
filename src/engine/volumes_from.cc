#include "engine/volumes_from.h"

#include <algorithm>

#include "engine/mount_requests.h"

namespace hull::engine {
namespace {

using model::MountPoint;

// One that only Config.Volumes asks for.
bool is_of_the_image(const MountPoint& mount, const model::ContainerSettings& settings) {
    return mount.type == "volume" && !mount.from_mounts &&
           std::ranges::any_of(settings.config.volumes,
                               [&](const std::string& path) { return clean_path(path) == mount.destination; });
}

} // namespace

Result<void> add_volumes_from(const Registry& registry, model::ContainerSettings& settings) {
    std::vector<MountPoint> added;
    for (const std::string& text : settings.host_config.volumes_from) {
        if (text.empty()) return invalid("volumes-from specification cannot be an empty string");
        size_t colon = text.find(':');
        std::string name = text.substr(0, colon), mode = colon == std::string::npos ? "rw" : text.substr(colon + 1);
        if (name.empty()) return invalid("malformed volumes-from specification: " + text);
        if (mode != "ro" && mode != "rw" && mode != "z" && mode != "Z") return invalid("invalid mode: " + mode);
        auto found = registry.find(name);
        // Not found would be about the image: clients pull it and try again.
        if (!found.ok()) return invalid(found.error().message());
        const ContainerPtr donor = std::move(*found);
        for (MountPoint mount : donor->settings().mounts) {
            if (mount.type == "tmpfs" && !mount.from_mounts) continue; // --tmpfs stays with its container
            mount.rw = mount.rw && mode != "ro";
            std::erase_if(added, [&](const MountPoint& one) { return one.destination == mount.destination; });
            added.push_back(std::move(mount));
        }
    }
    for (MountPoint& mount : added) {
        auto at = std::ranges::find(settings.mounts, mount.destination, &MountPoint::destination);
        if (at == settings.mounts.end())
            settings.mounts.push_back(std::move(mount));
        else if (is_of_the_image(*at, settings))
            *at = std::move(mount);
    }
    return {};
}

} // namespace hull::engine
