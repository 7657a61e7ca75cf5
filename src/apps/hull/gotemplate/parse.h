// Template text -> nodes. Internal to this folder.
#pragma once

#include <string_view>
#include <vector>

#include "apps/hull/gotemplate/ast.h"
#include "base/result.h"

namespace hull::gotemplate {

Result<std::vector<Node>> parse_nodes(std::string_view text);
bool is_function(std::string_view name); // functions.cc

} // namespace hull::gotemplate
