// SHA-256 of several messages at the same time, a vector lane each: what one
// message can't use of the CPU is used by the others. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hull {

using Sha256Words = std::array<uint32_t, 8>; // the hash value between blocks (FIPS 180-4, 6.2)

struct Sha256Lane {
    Sha256Words* words;
    const unsigned char* data;
};

constexpr size_t max_sha256_lanes = 8, sha256_block_bytes = 64;

// Whether lanes are faster here than one message after another: not where the
// CPU has instructions for SHA-256, nor where it has no AVX2.
bool sha256_lanes_pay();

// Takes the next `blocks` blocks of 64 bytes of each lane into its words. At
// most max_sha256_lanes; only where the CPU has AVX2.
void sha256_lanes(std::span<const Sha256Lane> lanes, size_t blocks);

} // namespace hull
