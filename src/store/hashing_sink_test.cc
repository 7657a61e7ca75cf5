#include "store/hashing_sink.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "codec/compress/sha256.h"

namespace hull::store {
namespace {

TEST(HashingSink, HashesWhatItPassesOn) {
    std::string data;
    for (int i = 0; data.size() < 5'000'000; ++i) data += std::to_string(i) + ",";
    TextSink out;
    HashingSink sink(out);
    size_t step = 1;
    for (std::string_view rest = data; !rest.empty(); step = step * 3 % 900'001) {
        ASSERT_TRUE(sink.write(rest.substr(0, step)).ok());
        rest.remove_prefix(std::min(step, rest.size()));
    }
    EXPECT_EQ(sink.hex_digest(), sha256_hex(data));
    EXPECT_EQ(out.text(), data);
}

TEST(HashingSink, OfNothing) {
    TextSink out;
    HashingSink sink(out);
    EXPECT_EQ(sink.hex_digest(), sha256_hex(""));
}

TEST(HashingSink, CanBeLeftInTheMiddle) {
    TextSink out;
    HashingSink sink(out);
    ASSERT_TRUE(sink.write(std::string(3'000'000, 'x')).ok());
}

} // namespace
} // namespace hull::store
