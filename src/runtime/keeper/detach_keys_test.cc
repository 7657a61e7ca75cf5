#include "runtime/keeper/detach_keys.h"

#include <gtest/gtest.h>

namespace hull::keeper {
namespace {

struct Outcome {
    std::string passed;
    bool detached;
    bool operator==(const Outcome&) const = default;
};
Outcome feed_bytewise(DetachMatcher& matcher, std::string_view typed) {
    Outcome outcome{"", false};
    for (char c : typed)
        if ((outcome.detached = matcher.feed({&c, 1}, outcome.passed))) break;
    return outcome;
}

TEST(DetachMatcher, FindsTheSequenceAcrossReads) {
    DetachMatcher matcher("\x10\x11");
    std::string passed;
    EXPECT_FALSE(matcher.feed("ls\n\x10", passed));
    EXPECT_EQ(passed, "ls\n");
    EXPECT_TRUE(matcher.feed("\x11rest", passed));
    EXPECT_EQ(passed, "ls\n");
}

TEST(DetachMatcher, PassesOnWhatOnlyBeganLikeIt) {
    DetachMatcher matcher("\x10\x11");
    std::string passed;
    EXPECT_FALSE(matcher.feed("\x10x\x10", passed));
    EXPECT_EQ(passed, "\x10x");
    EXPECT_EQ(matcher.matched(), 1u);
}

TEST(DetachMatcher, FallsBackToTheLongestStart) {
    DetachMatcher repeated("aab");
    EXPECT_EQ(feed_bytewise(repeated, "aaab"), (Outcome{"a", true}));
    DetachMatcher nested("ababc");
    EXPECT_EQ(feed_bytewise(nested, "abababc"), (Outcome{"ab", true}));
    DetachMatcher other("ababc");
    EXPECT_EQ(feed_bytewise(other, "ababx"), (Outcome{"ababx", false}));
}

TEST(DetachMatcher, WithoutKeysEverythingPasses) {
    DetachMatcher matcher;
    std::string passed;
    EXPECT_FALSE(matcher.feed("\x10\x11", passed));
    EXPECT_EQ(passed, "\x10\x11");
}

TEST(DetachMatcher, GoesOnFromHandedOverState) {
    DetachMatcher before("xyz");
    std::string passed;
    before.feed("xy", passed);
    DetachMatcher after(before.keys(), before.matched());
    EXPECT_TRUE(after.feed("z", passed));
    EXPECT_EQ(passed, "");
}

} // namespace
} // namespace hull::keeper
