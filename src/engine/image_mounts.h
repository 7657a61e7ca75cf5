// Mounts of type image: the files of another image in a container, read-only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/images.h"
#include "model/container_record.h"

namespace hull::engine {

// Keeps the layers of what mounts has of images, in the order of mounts.
// Errors: not_found for layers that are gone.
Result<std::vector<image::Lease>> hold_image_mounts(const image::Images& images,
                                                    const std::vector<model::MountPoint>& mounts);

// Completes the mounts of type image: source and chain_id. Errors: not_found
// (image, or subpath in it), invalid_argument.
Result<void> find_image_mounts(const image::Images& images, std::vector<model::MountPoint>& mounts);

// Where the files of a mount of an image are on the host: its layers'
// folders, topmost first; or one file.
// Errors: not_found (subpath), invalid_argument (a loop of links).
Result<std::vector<std::string>> image_mount_sources(const image::Images& images, const model::MountPoint& mount);

} // namespace hull::engine
