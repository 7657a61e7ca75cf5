#include "base/random.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

TEST(Random, HexHasTheLengthAskedFor) {
    for (size_t n : {0, 1, 7, 64, 129}) {
        std::string text = random_hex(n);
        EXPECT_EQ(text.size(), n);
        EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), text.npos);
    }
    EXPECT_NE(random_hex(32), random_hex(32));
}

TEST(Random, ShortIdIsNeverANumber) {
    for (int i = 0; i < 2000; ++i) {
        std::string id = random_id();
        ASSERT_EQ(id.size(), 64u);
        ASSERT_LT(id.find_first_not_of("0123456789"), 12u);
    }
}

} // namespace
} // namespace hull
