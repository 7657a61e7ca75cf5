// A volume as the engine keeps it (docs/formats/volume-record.md), and what a
// --mount asks of one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "model/container.h"

namespace hull::model {

struct VolumeRecord {
    std::string name;
    std::string driver = "local";
    WallTime created;
    Labels labels;
    std::map<std::string, std::string> options; // type, device, o, size
};

std::string print_volume_record(const VolumeRecord& record);
Result<VolumeRecord> parse_volume_record(std::string_view json); // corrupt

struct VolumeDriver {
    std::string name;
    std::map<std::string, std::string> options;
};
// HostConfig.Mounts[].VolumeOptions.
struct VolumeOptions {
    bool no_copy = false;
    Labels labels;
    VolumeDriver driver_config;
    std::string subpath;
};
// text: MountRequest::volume_options; empty is allowed. Errors: invalid_argument.
Result<VolumeOptions> parse_volume_options(std::string_view text);

// Body of POST /volumes/create.
struct VolumeRequest {
    std::string name, driver;
    std::map<std::string, std::string> options;
    Labels labels;
};
Result<VolumeRequest> parse_volume_request(std::string_view json);

} // namespace hull::model
