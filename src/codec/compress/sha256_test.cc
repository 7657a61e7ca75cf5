#include "codec/compress/sha256.h"

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "codec/compress/sha256_lanes.h"
#include "codec/sha256_constants.h"

namespace hull {
namespace {

std::string random_bytes(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(count, '\0');
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
    return bytes;
}

std::string hex(const Sha256Words& words) {
    std::string out;
    for (uint32_t word : words)
        for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 15];
    return out;
}

TEST(Sha256, KnowsTheStandardsExamples) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Lanes, GiveWhatOneAfterAnotherGives) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this CPU has no AVX2";
    constexpr size_t bytes = 64 * 9;
    for (size_t count = 1; count <= max_sha256_lanes; ++count) {
        std::vector<std::string> data;
        std::vector<Sha256Words> words(count, sha256_initial);
        std::vector<Sha256Lane> lanes;
        for (size_t i = 0; i < count; ++i) {
            // With the padding of FIPS 180-4, 5.1.1 in a last block of its own.
            data.push_back(random_bytes(bytes, static_cast<unsigned>(i + count)) + '\x80' + std::string(63, '\0'));
            data[i][bytes + 62] = static_cast<char>(bytes * 8 >> 8);
            data[i][bytes + 63] = static_cast<char>(bytes * 8 & 255);
        }
        for (size_t i = 0; i < count; ++i)
            lanes.push_back({&words[i], reinterpret_cast<const unsigned char*>(data[i].data())});
        sha256_lanes(lanes, bytes / 64 + 1);
        for (size_t i = 0; i < count; ++i)
            EXPECT_EQ(hex(words[i]), sha256_hex(data[i].substr(0, bytes))) << i << " of " << count;
    }
}

TEST(Sha256, TogetherIsTheSameAsAlone) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 12; ++i)
        threads.emplace_back([i] {
            const std::string data = random_bytes(3'000'000 + i * 1237, i);
            Sha256 hash;
            std::mt19937 random(i);
            for (std::string_view rest = data; !rest.empty();) {
                std::string_view piece = rest.substr(0, random() % 700'000);
                rest.remove_prefix(piece.size());
                hash.update_together(piece);
            }
            EXPECT_EQ(hash.hex_digest(), sha256_hex(data));
        });
    for (std::thread& thread : threads) thread.join();
}

} // namespace
} // namespace hull
