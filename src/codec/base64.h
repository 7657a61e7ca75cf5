// Base64 (RFC 4648, sections 4 and 5) of bytes. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hull {

std::string base64_encode(std::string_view bytes);
std::string base64url_encode(std::string_view bytes); // padded, too, as Docker's headers are
// Both alphabets, with padding or without. nullopt: it is none.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace hull
