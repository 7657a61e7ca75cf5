#include "engine/image_mounts.h"

#include "store/merged_folder.h"

namespace hull::engine {

Result<std::vector<image::Lease>> hold_image_mounts(const image::Images& images,
                                                    const std::vector<model::MountPoint>& mounts) {
    std::vector<image::Lease> leases;
    for (const model::MountPoint& mount : mounts)
        if (mount.type == "image") leases.push_back(TRY(images.hold(TRY(image::Digest::parse(mount.chain_id)))));
    return leases;
}

Result<void> find_image_mounts(const image::Images& images, std::vector<model::MountPoint>& mounts) {
    for (model::MountPoint& mount : mounts) {
        if (mount.type != "image" || !mount.source.empty()) continue;
        image::ImagePtr image = TRY(images.resolve(mount.name));
        if (!image->chain_id)
            return Error(ErrorKind::invalid_argument,
                         "invalid mount config for type \"image\": image " + mount.name + " has no files");
        mount.source = image->id.str();
        mount.chain_id = image->chain_id->str();
        TRY(image_mount_sources(images, mount));
    }
    return {};
}

Result<std::vector<std::string>> image_mount_sources(const image::Images& images, const model::MountPoint& mount) {
    image::Lease lease = TRY(images.hold(TRY(image::Digest::parse(mount.chain_id))));
    if (mount.subpath.empty()) return lease.lower();
    return store::find_merged(lease.lower(), mount.subpath).context([&] {
        return "invalid mount config for type \"image\": image " + mount.name;
    });
}

} // namespace hull::engine
