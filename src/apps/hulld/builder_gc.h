// "builder": {"gc": {...}} of daemon.json. Source: Docker, "Build garbage collection".
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "build/gc_rule.h"

namespace hull {

// json: the value of "gc"; empty text: nothing was said, which means the default. Not enabled: no rules.
// Errors: invalid_argument and unsupported, naming the member.
Result<std::vector<build::GcRule>> parse_builder_gc(const std::string& json);

} // namespace hull
