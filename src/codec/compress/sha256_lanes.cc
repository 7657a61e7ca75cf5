#include "codec/compress/sha256_lanes.h"

#include <algorithm>
#include <cassert>

#include <immintrin.h>

namespace hull {

namespace {

constexpr size_t rounds = 64;

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<uint32_t, rounds> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

namespace avx2 {
#define HULL_FEATURES "avx2"
#include "codec/compress/sha256_lanes_body.h"
#undef HULL_FEATURES
} // namespace avx2

namespace avx512 {
#define HULL_FEATURES "avx2,avx512f,avx512vl"
#include "codec/compress/sha256_lanes_body.h"
#undef HULL_FEATURES
} // namespace avx512

bool has_sha_instructions() {
    unsigned a = 7, b = 0, c = 0, d = 0;
    asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (b >> 29 & 1) != 0;
}

} // namespace

bool sha256_lanes_pay() {
    static const bool pay = __builtin_cpu_supports("avx2") && !has_sha_instructions();
    return pay;
}

void sha256_lanes(std::span<const Sha256Lane> lanes, size_t blocks) {
    assert(!lanes.empty() && lanes.size() <= max_sha256_lanes);
    std::array<Sha256Lane, max_sha256_lanes> all{};
    Sha256Words nobodys{};
    for (size_t i = 0; i < max_sha256_lanes; ++i)
        all[i] = i < lanes.size() ? lanes[i] : Sha256Lane{&nobodys, lanes[0].data};
    static const bool newer = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
    (newer ? avx512::run : avx2::run)(all.data(), blocks);
}

} // namespace hull
