#include "build/files/pattern.h"

#include <gtest/gtest.h>

namespace hull::build {
namespace {

bool fits(std::string_view pattern, std::string_view path, Stars stars = Stars::across_names) {
    auto parsed = Pattern::parse(pattern, stars);
    EXPECT_TRUE(parsed.ok()) << pattern;
    return parsed.ok() && parsed->matches(path);
}

TEST(Pattern, matches_as_go_does) {
    EXPECT_TRUE(fits("*.txt", "a.txt"));
    EXPECT_FALSE(fits("*.txt", "a/b.txt"));
    EXPECT_TRUE(fits("a?c", "abc"));
    EXPECT_FALSE(fits("a?c", "a/c"));
    EXPECT_TRUE(fits("[a-c]x", "bx"));
    EXPECT_FALSE(fits("[^a-c]x", "bx"));
    EXPECT_TRUE(fits("[^a-c]x", "dx"));
    EXPECT_TRUE(fits("a\\*b", "a*b"));
    EXPECT_FALSE(fits("a\\*b", "axb"));
    EXPECT_TRUE(fits("[]a]", "]"));
    EXPECT_TRUE(fits("", ""));
    for (const char* wrong : {"[", "[a", "a\\", "[]", "[a-", "[^]"})
        EXPECT_FALSE(Pattern::parse(wrong, Stars::within_name).ok()) << wrong;
}

TEST(Pattern, two_stars_go_over_folders_where_they_may) {
    EXPECT_TRUE(fits("**/*.go", "a.go"));
    EXPECT_TRUE(fits("**/*.go", "x/y/a.go"));
    EXPECT_TRUE(fits("a/**", "a/b/c"));
    EXPECT_TRUE(fits("a/**/z", "a/z"));
    EXPECT_TRUE(fits("a/**/z", "a/b/c/z"));
    EXPECT_FALSE(fits("a/**/z", "a/bz"));
    EXPECT_FALSE(fits("**/foo", "xfoo"));
    EXPECT_FALSE(fits("**/*.go", "x/y/a.go", Stars::within_name));
}

TEST(Pattern, takes_no_longer_than_pattern_times_text) {
    EXPECT_FALSE(fits("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(IgnoreList, the_last_that_matches_decides) {
    auto list = IgnoreList::parse("# a comment\n\n*.md\n!README.md\n/node_modules/\n**/tmp\ndocs\n!docs/keep\n");
    ASSERT_TRUE(list.ok());
    EXPECT_TRUE(list->ignores("a.md"));
    EXPECT_FALSE(list->ignores("README.md"));
    EXPECT_FALSE(list->ignores("sub/a.md"));
    EXPECT_TRUE(list->ignores("node_modules"));
    EXPECT_TRUE(list->ignores("node_modules/x/y"));
    EXPECT_TRUE(list->ignores("a/b/tmp/c"));
    EXPECT_TRUE(list->ignores("docs/other"));
    EXPECT_FALSE(list->ignores("docs/keep"));
    EXPECT_FALSE(list->ignores("docs/keep/below"));
    EXPECT_TRUE(list->may_take_back_below("docs"));
    EXPECT_FALSE(list->may_take_back_below("node_modules"));
}

TEST(IgnoreList, everything_but) {
    auto list = IgnoreList::parse("*\n!src\n!Makefile\n");
    ASSERT_TRUE(list.ok());
    EXPECT_TRUE(list->ignores("x"));
    EXPECT_FALSE(list->ignores("src/a/b"));
    EXPECT_FALSE(list->ignores("Makefile"));
    EXPECT_FALSE(IgnoreList::parse("a\n!\n").ok());
    EXPECT_FALSE(IgnoreList::parse("[\n").ok());
}

TEST(CleanRelative, never_leads_up) {
    EXPECT_EQ(clean_relative("/a//b/./../c/"), "a/c");
    EXPECT_EQ(clean_relative("../../x"), "x");
    EXPECT_EQ(clean_relative("."), "");
}

} // namespace
} // namespace hull::build
