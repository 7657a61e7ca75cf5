// Base64 (RFC 4648), as HTTP's Basic scheme and X-Registry-Auth use it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::registry {

std::string base64_encode(std::string_view data); // standard alphabet, padded

// Both alphabets, with padding or without. Errors: invalid_argument.
Result<std::string> base64_decode(std::string_view text);

} // namespace hull::registry
