// Fluentd's forward protocol, version 1 (message mode, with "chunk" where
// acknowledgements are asked for).
#pragma once

#include "logs/target.h"

namespace hull::logs {

enum class EventTimes : unsigned char { seconds, nanoseconds };
// chunk: empty: no acknowledgement is wanted.
std::string format_fluentd(const TargetSpec& spec, const Line& line, EventTimes times, const std::string& chunk);

Result<std::unique_ptr<Target>> make_fluentd(const TargetSpec& spec);

} // namespace hull::logs
