// Bytes that should be UTF-8 (RFC 3629). Pure.
#pragma once

#include <string>
#include <string_view>

namespace hull {

// How many bytes of text, from its beginning, don't end in the middle of a character.
size_t whole_characters(std::string_view text);
// text with each byte that is in no character as U+FFFD.
std::string valid_utf8(std::string_view text);

} // namespace hull
