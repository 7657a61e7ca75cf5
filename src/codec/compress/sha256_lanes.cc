#include "codec/compress/sha256_lanes.h"

#include <algorithm>
#include <cassert>

#include <immintrin.h>

#include "codec/sha256_constants.h"

namespace hull {

namespace {

constexpr size_t rounds = 64;

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
