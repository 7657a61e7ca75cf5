// Values of query parameters, read as the Docker engine reads them.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "engine/filters.h"
#include "model/image.h"

namespace hull::api {

// "", 0, no, false and none are false; anything else is true.
bool parse_flag(std::string_view text);
Result<int> parse_number(std::string_view text);
// Seconds since 1970 with an optional fraction, or RFC 3339.
Result<WallTime> parse_time(std::string_view text);
// The same, or a Go duration before now: "10m", "1h30m".
Result<WallTime> parse_moment(std::string_view text, WallTime now);
// {"label": ["a", "b"]} or {"label": {"a": true, "b": true}}; empty: no filters.
Result<engine::Filters> parse_filters(std::string_view json);

// {"os": "linux", "architecture": "arm64", "variant": "v8"}: an OCI platform.
Result<model::Platform> parse_platform_json(std::string_view json);

} // namespace hull::api
