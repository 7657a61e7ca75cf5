#include "apps/hull/cli/flags.h"

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

constexpr Flag table[] = {
    {"interactive", 'i', FlagType::boolean, "", "", "x", {}},
    {"tty", 't', FlagType::boolean, "", "", "x", {}},
    {"sig-proxy", 0, FlagType::boolean, "", "true", "x", {}},
    {"env", 'e', FlagType::list, "list", "", "x", {}},
    {"publish", 'p', FlagType::list, "list", "", "x", {}},
    {"name", 0, FlagType::text, "string", "", "x", {}},
    {"last", 'n', FlagType::integer, "int", "-1", "x", {}},
    {"weight", 0, FlagType::natural, "uint16", "0", "x", {}},
    {"memory", 'm', FlagType::bytes, "bytes", "0", "x", {}},
    {"wait", 0, FlagType::duration, "duration", "0s", "x", {}},
    {"cpus", 0, FlagType::decimal, "decimal", "", "x", {}},
    {"network", 0, FlagType::list, "network", "", "x", {}},
    {"net", 0, FlagType::list, "network", "", "", "network"},
};

Result<Flags> parse(std::vector<std::string> words, Order order = Order::mixed) {
    return Flags::parse({table, {}}, words, order);
}
std::string error_of(std::vector<std::string> words) {
    auto flags = parse(std::move(words));
    return flags.ok() ? "" : flags.error().message();
}
using Words = std::vector<std::string>;

TEST(Flags, ShortFlagsMayBeJoined) {
    auto flags = parse({"-it", "-p80:80", "-e", "A=1", "-e=B=2", "-itn5"});
    ASSERT_TRUE(flags.ok()) << flags.error().message();
    EXPECT_TRUE(flags->on("interactive"));
    EXPECT_TRUE(flags->on("tty"));
    EXPECT_EQ(flags->list("publish"), Words{"80:80"});
    EXPECT_EQ(flags->list("env"), (Words{"A=1", "B=2"}));
    EXPECT_EQ(flags->number("last"), 5);
}

TEST(Flags, LongFlagsTakeTheirValueEitherWay) {
    auto flags = parse({"--name=a=b", "--env", "X", "--env=Y=1", "--sig-proxy=false", "--memory", "-1"});
    ASSERT_TRUE(flags.ok());
    EXPECT_EQ(flags->text("name"), "a=b");
    EXPECT_EQ(flags->list("env"), (Words{"X", "Y=1"}));
    EXPECT_FALSE(flags->on("sig-proxy"));
    EXPECT_EQ(flags->number("memory"), -1);
}

TEST(Flags, InitialValuesHoldUntilGiven) {
    auto flags = parse({});
    EXPECT_TRUE(flags->on("sig-proxy"));
    EXPECT_FALSE(flags->given("sig-proxy"));
    EXPECT_EQ(flags->number("last"), -1);
    EXPECT_EQ(flags->text("name"), "");
}

TEST(Flags, TheLastOneCounts) {
    auto flags = parse({"--name", "a", "--name", "b", "-t", "--tty=false"});
    EXPECT_EQ(flags->text("name"), "b");
    EXPECT_FALSE(flags->on("tty"));
}

TEST(Flags, AliasesAreTheSameFlag) {
    EXPECT_EQ(parse({"--net", "host", "--network=none"})->list("network"), (Words{"host", "none"}));
}

TEST(Flags, MayFollowOperandsOnlyWhenMixed) {
    EXPECT_EQ(parse({"a", "-t", "b"})->operands(), (Words{"a", "b"}));
    auto first = parse({"-t", "image", "sh", "-c", "--x"}, Order::flags_first);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->operands(), (Words{"image", "sh", "-c", "--x"}));
}

TEST(Flags, TwoDashesEndThem) {
    auto flags = parse({"a", "--", "-t", "--", "b"});
    EXPECT_EQ(flags->operands(), (Words{"a", "-t", "--", "b"}));
    EXPECT_EQ(flags->dash(), 1u);
    EXPECT_EQ(parse({"-"})->operands(), Words{"-"});
}

TEST(Flags, TextsOfErrorsAreThoseOfPflag) {
    EXPECT_EQ(error_of({"--nope"}), "unknown flag: --nope");
    EXPECT_EQ(error_of({"--nope=1"}), "unknown flag: --nope");
    EXPECT_EQ(error_of({"-ix"}), "unknown shorthand flag: 'x' in -ix");
    EXPECT_EQ(error_of({"--name"}), "flag needs an argument: --name");
    EXPECT_EQ(error_of({"-e"}), "flag needs an argument: 'e' in -e");
    EXPECT_EQ(
        error_of({"--tty=maybe"}),
        "invalid argument \"maybe\" for \"-t, --tty\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax");
    EXPECT_EQ(error_of({"-n", "x"}),
              "invalid argument \"x\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"x\": invalid syntax");
    EXPECT_EQ(error_of({"-m3x"}), "invalid argument \"3x\" for \"-m, --memory\" flag: invalid suffix: 'x'");
    EXPECT_EQ(error_of({"--wait=5"}),
              "invalid argument \"5\" for \"--wait\" flag: time: missing unit in duration \"5\"");
    EXPECT_EQ(error_of({"--weight=-1"}),
              "invalid argument \"-1\" for \"--weight\" flag: strconv.ParseUint: parsing \"-1\": invalid syntax");
    EXPECT_EQ(error_of({"--cpus=x"}),
              "invalid argument \"x\" for \"--cpus\" flag: failed to parse x as a rational number");
    EXPECT_EQ(error_of({"--=x"}), "bad flag syntax: --=x");
}

TEST(Flags, HelpIsAKindOfItsOwn) {
    EXPECT_EQ(parse({"--help"}).error().kind(), ErrorKind::cancelled);
    EXPECT_EQ(parse({"-h"}).error().kind(), ErrorKind::cancelled);
}

} // namespace
} // namespace hull::cli
