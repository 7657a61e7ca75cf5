// The functions of templates and the printing of values. Internal to this folder.
#pragma once

#include <span>
#include <string_view>

#include "apps/hull/gotemplate/template.h"

namespace hull::gotemplate {

bool is_function(std::string_view name);
// Errors: invalid_argument (wrong number or type of arguments). `and` and `or`
// are not here: they stop early.
Result<Value> call_function(std::string_view name, std::span<const Value> arguments);
// false, 0, "", null, empty lists and maps are false.
bool truth(const Value& value);

} // namespace hull::gotemplate
