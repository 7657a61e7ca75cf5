// JSON for people: as Go's MarshalIndent prints it.
#pragma once

#include <string>
#include <string_view>

#include "codec/json.h"

namespace hull::oci_runtime {

std::string pretty(const json::Value& value, std::string_view indent);

} // namespace hull::oci_runtime
