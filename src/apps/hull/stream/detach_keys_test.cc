#include "apps/hull/stream/detach_keys.h"

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

TEST(DetachKeys, ReadsSequences) {
    EXPECT_EQ(*parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
    EXPECT_EQ(*parse_detach_keys("a,ctrl-["), "a\x1b");
    EXPECT_EQ(*parse_detach_keys("ctrl-@"), std::string(1, '\0'));
    EXPECT_FALSE(parse_detach_keys("ctrl-1").ok());
    EXPECT_FALSE(parse_detach_keys("alt-a").ok());
}

TEST(DetachKeys, FilterHoldsBackAPartAndGivesItOnWhenItIsNone) {
    DetachFilter filter("\x10\x11");
    EXPECT_EQ(filter.feed("ab").forward, "ab");
    EXPECT_EQ(filter.feed("\x10").forward, "");
    EXPECT_EQ(filter.feed("x").forward, "\x10x");
    EXPECT_EQ(filter.feed("\x10").forward, "");
    EXPECT_EQ(filter.feed("\x10").forward, "\x10"); // the first one was none, the second may be
    auto verdict = filter.feed("\x11rest");
    EXPECT_TRUE(verdict.detach);
    EXPECT_EQ(verdict.forward, "");
}

TEST(DetachKeys, OneKeyIsEnough) {
    DetachFilter filter("q");
    auto verdict = filter.feed("abq");
    EXPECT_EQ(verdict.forward, "ab");
    EXPECT_TRUE(verdict.detach);
}

TEST(DetachKeys, NoSequenceMeansNothingIsHeldBack) {
    DetachFilter filter("");
    EXPECT_EQ(filter.feed("\x10\x11").forward, "\x10\x11");
}

} // namespace
} // namespace hull::cli
