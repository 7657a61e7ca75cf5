#include "apps/hull/client/sha256.h"

#include <algorithm>
#include <bit>

#include "codec/sha256_constants.h"

namespace hull::cli {

namespace {

void add_block(std::array<uint32_t, 8>& hash, const unsigned char* block) {
    std::array<uint32_t, 64> w{};
    for (size_t i = 0; i < 16; ++i)
        w[i] = uint32_t{block[4 * i]} << 24 | uint32_t{block[4 * i + 1]} << 16 | uint32_t{block[4 * i + 2]} << 8 |
               block[4 * i + 3];
    for (size_t i = 16; i < 64; ++i) {
        const uint32_t a = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        const uint32_t b = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    auto [a, b, c, d, e, f, g, h] = hash;
    for (size_t i = 0; i < 64; ++i) {
        const uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_round_constants[i] + w[i];
        const uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<uint32_t, 8> more = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; ++i) hash[i] += more[i];
}

} // namespace

Sha256Sum::Sha256Sum() : hash_(sha256_initial) {}

void Sha256Sum::update(std::string_view bytes) {
    constexpr size_t block = 64;
    bytes_ += bytes.size();
    if (!rest_.empty()) {
        const size_t n = std::min(block - rest_.size(), bytes.size());
        rest_ += bytes.substr(0, n);
        bytes.remove_prefix(n);
        if (rest_.size() < block) return;
        add_block(hash_, reinterpret_cast<const unsigned char*>(rest_.data()));
        rest_.clear();
    }
    for (; bytes.size() >= block; bytes.remove_prefix(block))
        add_block(hash_, reinterpret_cast<const unsigned char*>(bytes.data()));
    rest_ = bytes;
}

std::string Sha256Sum::hex() {
    const uint64_t bits = bytes_ * 8;
    std::string end = "\x80";
    while ((rest_.size() + end.size()) % 64 != 56) end += '\0';
    for (int shift = 56; shift >= 0; shift -= 8) end += static_cast<char>(bits >> shift & 0xff);
    update(end);
    std::string out;
    for (uint32_t word : hash_)
        for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 15];
    return out;
}

std::string sha256_hex(std::string_view text) {
    Sha256Sum sum;
    sum.update(text);
    return sum.hex();
}

} // namespace hull::cli
