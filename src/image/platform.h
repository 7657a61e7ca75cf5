// Platforms as images name them: Go's words for operating systems and machines.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/image.h"

namespace hull::image {

model::Platform host_platform();

// "linux/arm64/v8", "linux" or "arm64"; other spellings (x86_64, aarch64) are
// normalised. Errors: invalid_argument; unsupported for another system than linux.
Result<model::Platform> parse_platform(std::string_view text);

// Whether this machine runs an image for platform. An empty member fits all.
bool runs_here(const model::Platform& platform);

} // namespace hull::image
