// Names of containers: Docker's rules, and random ones ("brave_hopper").
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::engine {

// Without a leading slash. Errors: invalid_argument, in Docker's words.
Result<std::string> check_container_name(std::string_view name);

// adjective_surname; with_digit appends one, for when the plain ones are taken.
std::string random_container_name(bool with_digit = false);

} // namespace hull::engine
