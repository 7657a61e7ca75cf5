#include "codec/utf8.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

TEST(Utf8, what_is_no_character_is_replaced) {
    EXPECT_EQ(valid_utf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xB3"), "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xB3");
    EXPECT_EQ(valid_utf8("\xFFx"), "\xEF\xBF\xBDx");
    EXPECT_EQ(valid_utf8("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"); // overlong
    EXPECT_EQ(valid_utf8("\xED\xA0\x80").size(), 9u);              // a surrogate
    EXPECT_EQ(valid_utf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8, a_character_is_not_cut) {
    EXPECT_EQ(whole_characters("ab"), 2u);
    EXPECT_EQ(whole_characters("a\xC3"), 1u);
    EXPECT_EQ(whole_characters("a\xE2\x82"), 1u);
    EXPECT_EQ(whole_characters("a\xE2\x82\xAC"), 4u);
    EXPECT_EQ(whole_characters("\x80\x80\x80\x80"), 4u); // no character anyway
    EXPECT_EQ(whole_characters(""), 0u);
}

} // namespace
} // namespace hull
