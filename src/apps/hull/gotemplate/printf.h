// printf of templates: the verbs of Go's fmt that make sense for JSON values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apps/hull/gotemplate/template.h"

namespace hull::gotemplate {

// %v %s %d %q %x %X %o %b %c %t %f %e %g %T %% with flags "-+ 0#", width and
// precision (also *). What does not fit comes out as in Go: %!d(string=x).
std::string format_text(std::string_view format, std::span<const Value> arguments);

} // namespace hull::gotemplate
