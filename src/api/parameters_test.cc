#include "api/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/log_writer.h"
#include "api/stream_frames.h"

namespace hull::api {
namespace {

using ::testing::ElementsAre;

TEST(Parameters, FlagsAreReadAsDockerDoes) {
    for (const char* no : {"", "0", "no", "false", "None", "FALSE"}) EXPECT_FALSE(parse_flag(no)) << no;
    for (const char* yes : {"1", "true", "True", "yes", "x"}) EXPECT_TRUE(parse_flag(yes)) << yes;
}

TEST(Parameters, BadNumbersHaveDockersText) {
    EXPECT_EQ(MUST(parse_number("-1")), -1);
    EXPECT_EQ(parse_number("x").error().message(), "strconv.Atoi: parsing \"x\": invalid syntax");
    EXPECT_EQ(parse_number("").error().message(), "strconv.Atoi: parsing \"\": invalid syntax");
    EXPECT_FALSE(parse_number("99999999999").ok());
}

TEST(Parameters, TimesAreSecondsOrRfc3339) {
    EXPECT_EQ(MUST(parse_time("1136073845")).ns, 1136073845'000000000);
    EXPECT_EQ(MUST(parse_time("1136073845.000000001")).ns, 1136073845'000000001);
    EXPECT_EQ(MUST(parse_time("1136073845.5")).ns, 1136073845'500000000);
    EXPECT_EQ(MUST(parse_time("2006-01-02T15:04:05Z")).ns, 1136214245'000000000);
    EXPECT_FALSE(parse_time("yesterday").ok());
    EXPECT_FALSE(parse_time("").ok());
}

TEST(Parameters, MomentsMayBeDurationsBeforeNow) {
    WallTime now{1'000'000'000'000'000};
    EXPECT_EQ(MUST(parse_moment("1h30m", now)).ns, now.ns - 5400'000000000);
    EXPECT_EQ(MUST(parse_moment("10", now)).ns, 10'000000000);
    EXPECT_FALSE(parse_moment("10q", now).ok());
    for (const char* text : {"nans", "infs", "-1s", "1h-1s"}) EXPECT_FALSE(parse_moment(text, now).ok()) << text;
}

TEST(Parameters, FiltersComeInTwoEncodings) {
    for (const char* text : {R"({"label":["a","b"]})", R"({"label":{"a":true,"b":true,"c":false}})"}) {
        auto filters = MUST(parse_filters(text));
        EXPECT_THAT(filters.get("label"), ElementsAre("a", "b"));
    }
    EXPECT_TRUE(MUST(parse_filters("")).empty());
    EXPECT_TRUE(MUST(parse_filters("{}")).empty());
}

TEST(Parameters, BrokenFiltersAreRefused) {
    for (const char* text : {"bad", "[]", R"({"label":"a"})", R"({"label":[1]})", R"({"label":{"a":"yes"}})", "{"})
        EXPECT_EQ(parse_filters(text).error().kind(), ErrorKind::invalid_argument) << text;
}

TEST(Errors, KindsBecomeStatuses) {
    EXPECT_EQ(status_of(ErrorKind::invalid_argument), 400);
    EXPECT_EQ(status_of(ErrorKind::not_found), 404);
    EXPECT_EQ(status_of(ErrorKind::conflict), 409);
    EXPECT_EQ(status_of(ErrorKind::not_modified), 304);
    EXPECT_EQ(status_of(ErrorKind::no_such_program), 400);
    EXPECT_EQ(status_of(ErrorKind::not_executable), 400);
    EXPECT_EQ(status_of(ErrorKind::system), 500);
    EXPECT_EQ(error_body("a \"b\""), "{\"message\":\"a \\\"b\\\"\"}\n");
}

TEST(Frames, HaveStreamAndLength) {
    std::string out;
    append_frame(out, StreamId::stderr_, "abc");
    EXPECT_EQ(out, std::string("\x02\0\0\0\0\0\0\x03"
                               "abc",
                               11));
}

TEST(LogWriter, FramesCoverPrefixAndText) {
    std::string text;
    LogWriter writer({.framed = true, .timestamps = true, .details = true}, [&](std::string_view data) {
        text += data;
        return true;
    });
    EXPECT_TRUE(writer.line({.is_stderr = false, .time = {1'500'000'000}, .text = "hi\n", .attributes = "a=b"}));
    EXPECT_TRUE(writer.flush());
    std::string expected = "1970-01-01T00:00:01.500000000Z a=b hi\n";
    EXPECT_EQ(text.substr(8), expected);
    EXPECT_EQ(static_cast<size_t>(static_cast<unsigned char>(text[7])), expected.size());
}

TEST(LogWriter, RawLinesAreAsTheyWere) {
    std::string text;
    LogWriter writer({.framed = false}, [&](std::string_view data) {
        text += data;
        return true;
    });
    writer.line({.is_stderr = true, .time = {}, .text = "no line end", .attributes = ""});
    writer.flush();
    EXPECT_EQ(text, "no line end");
}

TEST(LogWriter, StopsWhenTheClientIsGone) {
    LogWriter writer({.framed = false}, [](std::string_view) { return false; });
    writer.line({.is_stderr = false, .time = {}, .text = "x", .attributes = ""});
    EXPECT_FALSE(writer.flush());
}

TEST(LogWriter, TimesHaveNineDigits) {
    EXPECT_EQ(log_time({1'000'000'000}), "1970-01-01T00:00:01.000000000Z");
    EXPECT_EQ(log_time({1'120'000'000}), "1970-01-01T00:00:01.120000000Z");
}

} // namespace
} // namespace hull::api
