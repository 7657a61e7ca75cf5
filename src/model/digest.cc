#include <algorithm>

#include "model/image.h"

namespace hull::model {

namespace {

constexpr std::string_view algorithm = "sha256";

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

// The texts are those of Docker's digest library.
Result<Digest> Digest::parse(std::string_view text) {
    size_t colon = text.find(':');
    if (colon == 0 || colon == text.npos || colon + 1 == text.size())
        return Error(ErrorKind::invalid_argument, "invalid checksum digest format");
    if (text.substr(0, colon) != algorithm) return Error(ErrorKind::invalid_argument, "unsupported digest algorithm");
    std::string_view hex = text.substr(colon + 1);
    if (hex.size() != 64) return Error(ErrorKind::invalid_argument, "invalid checksum digest length");
    if (!is_hex(hex)) return Error(ErrorKind::invalid_argument, "invalid checksum digest format");
    Digest digest;
    digest.text_ = text;
    return digest;
}

Digest Digest::from_sha256_hex(std::string hex) {
    Digest digest;
    digest.text_ = std::string(algorithm) + ":" + std::move(hex);
    return digest;
}

} // namespace hull::model
