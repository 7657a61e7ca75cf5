// SHA-256 (FIPS 180-4), for names of context folders and contents of files. hull links
// no OpenSSL: it would be larger than all the rest of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace hull::cli {

class Sha256Sum {
public:
    Sha256Sum();
    void update(std::string_view bytes);
    std::string hex(); // once, after the last byte

private:
    std::array<uint32_t, 8> hash_;
    std::string rest_; // less than a block
    uint64_t bytes_ = 0;
};

std::string sha256_hex(std::string_view text);

} // namespace hull::cli
