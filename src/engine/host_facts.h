// What `info` tells about the machine and the engine.
#pragma once

#include <string>

#include "engine/views.h"

namespace hull::engine {

struct Core;
class HostPort;

// cgroup v2 alone.
bool has_unified_cgroups(HostPort& machine);

InfoView make_info(Core& core, const std::string& engine_id);

} // namespace hull::engine
