// JSON for people: four spaces a level, as docker inspect prints it.
#pragma once

#include <string>

#include "apps/hull/client/json_access.h"

namespace hull::cli {

std::string indented(const Json& value);

} // namespace hull::cli
