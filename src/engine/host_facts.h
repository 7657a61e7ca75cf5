// What `info` tells about the machine and the engine.
#pragma once

#include <string>

#include "engine/views.h"

namespace hull::engine {

struct Core;

InfoView make_info(Core& core, const std::string& engine_id);

} // namespace hull::engine
