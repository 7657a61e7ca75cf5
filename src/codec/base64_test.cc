#include "codec/base64.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

// RFC 4648, section 10.
TEST(Base64, EncodesTheTestVectors) {
    EXPECT_EQ(base64_encode(""), "");
    EXPECT_EQ(base64_encode("f"), "Zg==");
    EXPECT_EQ(base64_encode("fo"), "Zm8=");
    EXPECT_EQ(base64_encode("foo"), "Zm9v");
    EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
    EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
    EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64_encode("\xff\xfe\xfd"), "//79");
    EXPECT_EQ(base64url_encode("\xff\xfe\xfdx"), "__79eA==");
}

TEST(Base64, DecodesBothAlphabets) {
    EXPECT_EQ(base64_decode("Zm9vYg=="), "foob");
    EXPECT_EQ(base64_decode("Zm9vYg"), "foob");
    EXPECT_EQ(base64_decode("__79"), "\xff\xfe\xfd");
    EXPECT_EQ(base64_decode("//79"), "\xff\xfe\xfd");
    EXPECT_EQ(base64_decode(""), "");
    for (const char* bad : {"Z", "Zm9v!", "Z m9", "Zm9vZ"}) EXPECT_EQ(base64_decode(bad), std::nullopt) << bad;
}

} // namespace
} // namespace hull
