// SHA-256 (FIPS 180-4) of short texts, for names of context folders. hull links no
// OpenSSL: it would be larger than all the rest of it.
#pragma once

#include <string>
#include <string_view>

namespace hull::cli {

std::string sha256_hex(std::string_view text);

} // namespace hull::cli
