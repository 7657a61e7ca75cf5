// -v, --mount and --tmpfs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::cli {

// "/data" (an anonymous volume), "/host:/data[:options]", "name:/data[:options]".
// Relative sources ("./x") become absolute.
struct Volume {
    std::string bind;      // for HostConfig.Binds; empty for an anonymous volume
    std::string anonymous; // its path
};
Result<Volume> parse_volume(std::string_view text);

// "type=bind,source=/a,target=/b,readonly,...", comma-separated with CSV quoting.
Result<model::MountRequest> parse_mount(std::string_view text);

// "/run[:options]" -> path, options.
Result<std::pair<std::string, std::string>> parse_tmpfs(std::string_view text);

// Fields of one CSV line, quotes undone. Errors: invalid_argument.
Result<std::vector<std::string>> split_csv(std::string_view line);

} // namespace hull::cli
