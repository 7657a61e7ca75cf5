// What the files of VolumeKeeper share.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "model/volume.h"
#include "store/disk_image.h"
#include "store/volume_dirs.h"

namespace hull::engine {

// What Docker's RestrictedNamePattern lets through.
Result<void> check_volume_name(const std::string& name);
// The option size, in bytes; 0: no limit.
Result<uint64_t> volume_limit(const std::map<std::string, std::string>& options);
// What the options mount while a container runs; empty: nothing, the data is the volume's own.
store::VolumeMount volume_mount(const model::VolumeRecord& record);
Error no_such_volume(const std::string& name);

} // namespace hull::engine
