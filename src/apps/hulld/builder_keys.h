// "builder": {"gc": {...}, "entitlements": {...}} of daemon.json. Sources: Docker,
// "Build garbage collection"; moby, daemon/config/builder.go.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "build/entitlements.h"
#include "build/gc_rule.h"

namespace hull {

// json: the value of "gc"; empty text: nothing was said, which means the default. Not enabled: no rules.
// Errors: invalid_argument and unsupported, naming the member.
Result<std::vector<build::GcRule>> parse_builder_gc(const std::string& json);

// json: the value of "entitlements"; empty text: the default. Errors: the same.
Result<build::Entitlements> parse_builder_entitlements(const std::string& json);

} // namespace hull
