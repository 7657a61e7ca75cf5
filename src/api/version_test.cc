#include "api/version.h"

#include <gtest/gtest.h>

namespace hull::api {
namespace {

TEST(Version, IsTakenOffThePath) {
    auto split = MUST(split_version("/v1.41/containers/json"));
    EXPECT_EQ(split.version, (Version{1, 41}));
    EXPECT_EQ(split.rest, "/containers/json");
}

TEST(Version, NoneMeansTheNewest) {
    auto split = MUST(split_version("/_ping"));
    EXPECT_EQ(split.version, newest_version);
    EXPECT_EQ(split.rest, "/_ping");
}

TEST(Version, PathsThatOnlyLookLikeOne) {
    EXPECT_EQ(MUST(split_version("/volumes")).rest, "/volumes");
    EXPECT_EQ(MUST(split_version("/v1/x")).rest, "/v1/x");
    EXPECT_EQ(MUST(split_version("/v1.41")).rest, "/v1.41");
    EXPECT_EQ(MUST(split_version("/v-1.41/x")).rest, "/v-1.41/x");
}

TEST(Version, TooNewAndTooOldAreRefusedInDockersWords) {
    EXPECT_EQ(split_version("/v1.99/info").error().message(),
              "client version 1.99 is too new. Maximum supported API version is 1.55");
    EXPECT_EQ(split_version("/v1.23/info").error().message(),
              "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a "
              "newer version");
    EXPECT_TRUE(split_version("/v1.24/info").ok());
    EXPECT_TRUE(split_version("/v1.55/info").ok());
    // Minor versions are numbers, not decimals.
    EXPECT_FALSE(split_version("/v1.5/info").ok());
}

} // namespace
} // namespace hull::api
