// Platforms as images name them: Go's words for operating systems and machines.
#pragma once

#include <string>
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

// Whether an image for have is one for wanted. An empty variant, or one that is
// what the machine means without any (arm64/v8, amd64/v1), fits all; an empty
// version of the system, too.
bool fits(const model::Platform& wanted, const model::Platform& have);

std::string format_platform(const model::Platform& platform); // "linux/arm64/v8"

} // namespace hull::image
