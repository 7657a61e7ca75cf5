// Questions to the user.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hull::cli {

// Asks "question [y/N] " on standard output; true for y and yes.
Result<bool> confirm(std::string_view question);

} // namespace hull::cli
