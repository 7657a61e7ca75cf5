// The CDI files of this machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/cdi.h"

namespace hull {

// JSON or YAML. Errors: invalid_argument.
Result<engine::CdiSpec> parse_cdi_spec(std::string_view text, const std::string& file);
// *.json, *.yaml and *.yml of the folders, in their order; one that can't be
// read is logged and left out, as others do.
std::vector<engine::CdiSpec> read_cdi_specs(const std::vector<std::string>& folders);

} // namespace hull
