// Base64 (RFC 4648, section 4) of bytes. Pure.
#pragma once

#include <string>
#include <string_view>

namespace hull {

std::string base64_encode(std::string_view bytes);

} // namespace hull
