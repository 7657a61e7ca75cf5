// For documents that more than one program reads and whose digest names them
// (manifests, image configs): a text that two parsers may read differently is
// refused.
#pragma once

#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace hull::json {

// parse(), and no object may have one key twice. Errors: invalid_argument, too_large.
Result<Value> parse_strict(std::string_view text, const Limits& limits = {});

} // namespace hull::json
