// HostConfig.VolumesFrom: what another container has mounted, here too.
#pragma once

#include "base/result.h"
#include "engine/registry.h"
#include "model/container_record.h"

namespace hull::engine {

// Adds to settings.mounts: "container[:ro|rw|z|Z]". What -v and --mount ask for at
// the same place stays, volumes of the image give way. Errors: invalid_argument,
// not_found, in Docker's words.
Result<void> add_volumes_from(const Registry& registry, model::ContainerSettings& settings);

} // namespace hull::engine
