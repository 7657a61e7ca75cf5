#include "apps/hull-runtime/args.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::oci_runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array flags{Flag{"bundle", "b", Takes::value, ""}, Flag{"all", "a", Takes::nothing, ""},
                           Flag{"n", "", Takes::value, ""}};

Result<Args> parse(std::vector<std::string> words, Order order = Order::anywhere) {
    return Args::parse(words, flags, order);
}

TEST(Args, TakesOneDashOrTwoAndBothWaysOfGivingValues) {
    for (std::vector<std::string> words : {std::vector<std::string>{"--bundle", "/x", "id"},
                                           {"-bundle=/x", "id"},
                                           {"-b", "/x", "id"},
                                           {"id", "--bundle=/x"}}) {
        auto args = parse(words);
        ASSERT_TRUE(args.ok());
        EXPECT_EQ(args->value("bundle"), "/x");
        EXPECT_THAT(args->words(), ElementsAre("id"));
    }
}

TEST(Args, KeepsAllValuesAndPrefersTheLast) {
    auto args = parse({"-b", "1", "-b", "2"});
    EXPECT_THAT(args->values("bundle"), ElementsAre("1", "2"));
    EXPECT_EQ(args->value("bundle"), "2");
    EXPECT_THAT(args->values("n"), IsEmpty());
}

TEST(Args, SwitchesCanBeGivenAsFalse) {
    EXPECT_TRUE(parse({"--all"})->has("all"));
    EXPECT_FALSE(parse({"--all=false"})->has("all"));
    EXPECT_FALSE(parse({})->has("all"));
}

TEST(Args, LeavesTheWordsOfACommandAlone) {
    auto args = parse({"-a", "id", "ls", "-b", "--what"}, Order::before_words);
    ASSERT_TRUE(args.ok());
    EXPECT_THAT(args->words(), ElementsAre("id", "ls", "-b", "--what"));
    EXPECT_THAT(parse({"--", "-a"})->words(), ElementsAre("-a"));
    EXPECT_THAT(parse({"-"})->words(), ElementsAre("-"));
}

TEST(Args, SaysWhatIsWrongAsRuncDoes) {
    EXPECT_EQ(parse({"--bad"}).error().message(), "flag provided but not defined: -bad");
    EXPECT_EQ(parse({"--bundle"}).error().message(), "flag needs an argument: -bundle");
    EXPECT_EQ(parse({"--n", "x"})->number("n", 0).error().message(), "invalid value \"x\" for flag -n");
    EXPECT_FALSE(parse({"--n", "-1"})->number("n", 0).ok());
    EXPECT_EQ(*parse({"--n", "7"})->number("n", 0), 7);
    EXPECT_EQ(*parse({})->number("n", 3), 3);
}

} // namespace
} // namespace hull::oci_runtime
