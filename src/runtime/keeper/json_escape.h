// Text as the inside of a JSON string, byte for byte as Docker's json-file
// driver writes it: \n \r \" \\ by name; other control characters and < > & as
// \u00xx; U+2028 and U+2029 as \u2028 \u2029; each byte that is not part of
// valid UTF-8 as \ufffd.
#pragma once

#include <cstddef>
#include <string_view>

namespace hull::keeper {

constexpr size_t max_escaped_per_byte = 6;

// Writes at most max_escaped_per_byte * text.size() bytes to out; returns the
// end of what was written.
char* escape_json(std::string_view text, char* out);

} // namespace hull::keeper
