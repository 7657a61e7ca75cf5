// What -v, --mount and --tmpfs ask for, and the volumes of the image, as one
// list of mount points.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/host_port.h"
#include "model/container_record.h"

namespace hull::engine {

// container_dir: anonymous volumes live in <container_dir>/volumes/<name>.
// Errors, in Docker's words: invalid_argument; unsupported for named volumes
// and the mount types that aren't there.
Result<std::vector<model::MountPoint>> resolve_mounts(const model::ContainerConfig& config,
                                                      const model::HostConfig& host, HostPort& machine,
                                                      const std::string& container_dir);

// One text of -v: "src:dst[:options]".
Result<model::MountPoint> parse_bind(const std::string& text);

// Absolute, without . and .. and double slashes; empty when not absolute.
std::string clean_path(const std::string& path);

} // namespace hull::engine
