// Reading answers of the engine: members by path, absent ones as empty values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/result.h"

namespace hull::cli {

using Json = boost::json::value;

// The member at "State.Health.Status"; nullptr when any part is absent.
const Json* at(const Json& value, std::string_view path);
std::string text(const Json& value, std::string_view path);                  // "" when absent or no string
int64_t number(const Json& value, std::string_view path);                    // 0 when absent
double real(const Json& value, std::string_view path);                       // 0 when absent
bool boolean(const Json& value, std::string_view path);                      // false when absent
const boost::json::array& list(const Json& value, std::string_view path);    // empty when absent
const boost::json::object& object(const Json& value, std::string_view path); // empty when absent

// The text must be JSON. Errors: corrupt, saying what was being read.
Result<Json> read_json(std::string_view text, std::string_view what);

} // namespace hull::cli
