// What -v, --mount and --tmpfs ask for, and the volumes of the image, as one
// list of mount points.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/host_port.h"
#include "model/container_record.h"

namespace hull::engine {

// Volumes have a name (empty: anonymous) and no source yet: VolumeKeeper::take().
// Errors, in Docker's words: invalid_argument; unsupported for the mount types
// that aren't there.
Result<std::vector<model::MountPoint>> resolve_mounts(const model::ContainerConfig& config,
                                                      const model::HostConfig& host, HostPort& machine);

// One text of -v: "src:dst[:options]", where src is a path or the name of a volume; "dst" alone is
// an anonymous one.
Result<model::MountPoint> parse_bind(const std::string& text, const std::string& driver = {});

// Absolute, without . and .. and double slashes; empty when not absolute.
std::string clean_path(const std::string& path);

} // namespace hull::engine
