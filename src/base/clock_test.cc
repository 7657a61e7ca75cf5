#include "base/clock.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace hull {
namespace {

TEST(Clock, PrintsAsGoDoes) {
    EXPECT_EQ(to_rfc3339(WallTime{0}), "0001-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(WallTime{1'000'000'000}), "1970-01-01T00:00:01Z");
    EXPECT_EQ(to_rfc3339(WallTime{1'120'000'000}), "1970-01-01T00:00:01.12Z");
    EXPECT_EQ(to_rfc3339(WallTime{1'795'314'384'000'000'001}), "2026-11-22T02:26:24.000000001Z");
}

TEST(Clock, ReadsOffsetsAndFractions) {
    EXPECT_EQ(from_rfc3339("2026-11-22T03:26:24+01:00"), from_rfc3339("2026-11-22T02:26:24Z"));
    EXPECT_EQ(from_rfc3339("1970-01-01T00:00:01.5Z")->ns, 1'500'000'000);
    EXPECT_EQ(from_rfc3339("0001-01-01T00:00:00Z")->ns, 0);
}

TEST(Clock, RefusesWhatIsNotATime) {
    for (const char* text : {"", "2026", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00",
                             "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "9999-01-01T00:00:00Z"})
        EXPECT_FALSE(from_rfc3339(text)) << text;
}

TEST(Clock, WhatIsPrintedIsReadBack) {
    EXPECT_TRUE(rc::check([] {
        int64_t ns = *rc::gen::inRange<int64_t>(1, 4'000'000'000'000'000'000);
        auto back = from_rfc3339(to_rfc3339(WallTime{ns}));
        RC_ASSERT(back.has_value());
        RC_ASSERT(back->ns == ns);
    }));
}

} // namespace
} // namespace hull
