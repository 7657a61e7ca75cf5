#include "apps/hull-runtime/flag_values.h"

#include <csignal>

#include <gtest/gtest.h>

namespace hull::oci_runtime {
namespace {

TEST(FlagValues, SizesHaveUnitsOfPowersOf1024) {
    auto bytes = [](const char* text) { return parse_bytes("memory", text).value(); };
    EXPECT_EQ(bytes("0"), 0);
    EXPECT_EQ(bytes("-1"), -1);
    EXPECT_EQ(bytes("9223372036854771712"), 9223372036854771712);
    EXPECT_EQ(bytes("64m"), 64 << 20);
    EXPECT_EQ(bytes("64MB"), 64 << 20);
    EXPECT_EQ(bytes("64 MiB"), 64 << 20);
    EXPECT_EQ(bytes("1.5g"), 3LL << 29);
    EXPECT_EQ(bytes("2T"), 2LL << 40);
    EXPECT_EQ(bytes("7b"), 7);
}

TEST(FlagValues, SizesThatArentOnesNameTheFlag) {
    for (const char* text : {"", "m", "-2", "64x", "64mm", "1e5", "9999999P", "99999999999999999999"}) {
        auto parsed = parse_bytes("memory-swap", text);
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_EQ(parsed.error().message(), "invalid value for memory-swap: \"" + std::string(text) + "\"");
    }
}

TEST(FlagValues, DurationsAreGos) {
    auto ns = [](const char* text) { return parse_duration("interval", text).value(); };
    EXPECT_EQ(ns("5s"), 5'000'000'000);
    EXPECT_EQ(ns("500ms"), 500'000'000);
    EXPECT_EQ(ns("1m30s"), 90'000'000'000);
    EXPECT_EQ(ns("1.5h"), 5'400'000'000'000);
    EXPECT_EQ(ns("10us"), 10'000);
    EXPECT_EQ(ns("10µs"), 10'000);
    for (const char* text : {"", "5", "s", "5x", "5s3", "-5s", "1e3s", "99999999999h"})
        EXPECT_FALSE(parse_duration("interval", text).ok()) << text;
    EXPECT_EQ(parse_duration("interval", "0s").error().message(), "duration interval must be greater than 0");
}

TEST(FlagValues, SignalsHaveNamesAndNumbers) {
    auto signal = [](const char* text) { return parse_signal(text).value(); };
    for (const char* text : {"KILL", "SIGKILL", "kill", "sigkill", "9"}) EXPECT_EQ(signal(text), SIGKILL) << text;
    EXPECT_EQ(signal("0"), 0);
    EXPECT_EQ(signal("POLL"), SIGIO);
    EXPECT_EQ(signal("IOT"), SIGABRT);
    EXPECT_EQ(signal("RTMIN"), SIGRTMIN);
    EXPECT_EQ(signal("SIGRTMIN+3"), SIGRTMIN + 3);
    EXPECT_EQ(signal("SIGRTMAX-1"), SIGRTMAX - 1);
    EXPECT_EQ(signal("64"), 64);
    for (const char* text : {"", "BOGUS", "65", "-1", "9x", "RTMIN+", "RTMIN-1", "RTMAX+1", "RTMIN+99", "RTMINX"}) {
        auto parsed = parse_signal(text);
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_EQ(parsed.error().message(), "unknown signal \"" + std::string(text) + "\"");
    }
}

} // namespace
} // namespace hull::oci_runtime
