// Texts that several listings show.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/hull/client/json_access.h"

namespace hull::cli {

// "2026-11-22 02:26:24 +0000 UTC", local time, as Go prints it.
std::string local_time_text(int64_t unix_ns);
// "0.0.0.0:8080->80/tcp, 443/tcp": sorted, ranges put together.
std::string ports_text(const boost::json::array& ports);
// "a=b,c=d", sorted.
std::string pairs_text(const boost::json::object& pairs);
// {"a": "b", "c": ""} of "a=b", "c".
boost::json::object pairs_json(const std::vector<std::string>& pairs);
// {{.Label "key"}} of something whose labels these are.
std::optional<Json> label_method(const boost::json::object& labels, std::string_view name,
                                 std::span<const Json> arguments);

} // namespace hull::cli
