// Children that came to this process as their subreaper.
#pragma once

#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace hull::sys {

// Children, zombies too, that are in another session than this process.
Result<std::vector<pid_t>> children_of_other_sessions();

} // namespace hull::sys
