// The tag of a log: a Go template over what is known of the container, as
// Docker's "log tag" (docs.docker.com/engine/logging/log_tags). Understood:
// the fields and methods of its Info, index on labels, and lower, upper, title,
// json and truncate, alone or after a bar.
#pragma once

#include <string>

#include "base/result.h"
#include "model/container_record.h"

namespace hull::engine {

// Errors: invalid_argument, naming what isn't understood.
Result<std::string> log_tag(const std::string& text, const model::ContainerSettings& settings);

} // namespace hull::engine
