#include <gtest/gtest.h>

#include "logs/address.h"
#include "logs/fluentd.h"
#include "logs/journald.h"
#include "logs/syslog.h"

namespace hull::logs {
namespace {

TargetSpec spec(std::string driver, Options options = {}) {
    return {.driver = std::move(driver),
            .options = std::move(options),
            .tag = "tag",
            .container_id = "0123456789abcdef",
            .container_name = "name",
            .image_name = "image",
            .attributes = {{"a.b", "c"}}};
}

std::string error_of(const TargetSpec& given) {
    auto made = make_target(given);
    return made.ok() ? "" : made.error().message();
}

const Line kLine{.is_stderr = false, .partial = false, .time = {1'700'000'000'123'456'789}, .text = "hello\nyou"};

TEST(Address, SchemesHostsAndPorts) {
    EXPECT_EQ(MUST(parse_address("tcp://h:7", "5")).port, "7");
    EXPECT_EQ(MUST(parse_address("h", "5")).port, "5");
    EXPECT_EQ(MUST(parse_address("udp://[::1]:9", "5")).host, "::1");
    EXPECT_EQ(MUST(parse_address("unix:///a/b", "5")).host, "/a/b");
    for (const char* bad : {"unix://x", "tcp://h:x", "tcp://h:99999", "tcp://[::1", "tcp://h/p", "h:"})
        EXPECT_FALSE(parse_address(bad, "5").ok()) << bad;
}

TEST(Option, DurationsAsGoWritesThem) {
    EXPECT_EQ(MUST(parse_duration_ms("x", "1m30s")), 90'000);
    EXPECT_EQ(MUST(parse_duration_ms("x", "1.5s")), 1500);
    EXPECT_EQ(MUST(parse_duration_ms("x", "100ms")), 100);
    for (const char* bad : {"", "1", "s", "-1s", "1x", "1s2"}) EXPECT_FALSE(parse_duration_ms("x", bad).ok()) << bad;
}

TEST(Syslog, Formats) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    SyslogHeader header{.format = SyslogFormat::local, .facility = 3, .hostname = "host", .tag = "tag", .pid = 7};
    EXPECT_EQ(format_syslog(header, kLine), "<30>Nov 14 22:13:20 tag[7]: hello you\n");
    header.format = SyslogFormat::rfc3164;
    EXPECT_EQ(format_syslog(header, kLine), "<30>Nov 14 22:13:20 host tag[7]: hello you\n");
    header.format = SyslogFormat::rfc5424;
    EXPECT_EQ(format_syslog(header, kLine), "<30>1 2023-11-14T22:13:20Z host tag 7 tag - hello you\n");
    header.format = SyslogFormat::rfc5424_micro;
    Line err = kLine;
    err.is_stderr = true;
    EXPECT_EQ(format_syslog(header, err), "<27>1 2023-11-14T22:13:20.123456Z host tag 7 tag - hello you\n");
}

TEST(Syslog, OptionsAreChecked) {
    EXPECT_EQ(error_of(spec("syslog", {{"syslog-address", "udp://127.0.0.1:5514"}, {"syslog-facility", "local7"}})),
              "");
    EXPECT_EQ(error_of(spec("syslog", {{"syslog-facility", "nosuch"}})), "invalid syslog facility");
    EXPECT_EQ(error_of(spec("syslog", {{"syslog-format", "nosuch"}})), "Invalid syslog format");
    EXPECT_EQ(error_of(spec("syslog", {{"syslog-address", "127.0.0.1:514"}})),
              "syslog-address should be in form proto://address, got 127.0.0.1:514");
    EXPECT_EQ(error_of(spec("syslog", {{"syslog-address", "gopher://h"}})), "unsupported scheme: 'gopher'");
    EXPECT_EQ(MUST(parse_facility("local0")), 16);
    EXPECT_EQ(MUST(parse_facility("")), 3);
    EXPECT_FALSE(parse_facility("24").ok());
}

TEST(Journald, FieldsWithLineEndsHaveALength) {
    std::string entry = format_journal(spec("journald"), kLine);
    EXPECT_TRUE(entry.starts_with(std::string("MESSAGE\n\x09\0\0\0\0\0\0\0hello\nyou\n", 26))) << entry;
    EXPECT_NE(entry.find("\nPRIORITY=6\n"), std::string::npos);
    EXPECT_NE(entry.find("\nCONTAINER_ID=0123456789ab\n"), std::string::npos);
    EXPECT_NE(entry.find("\nA_B=c\n"), std::string::npos);
    EXPECT_EQ(journal_field("__x.y-1"), "X_Y_1");
}

TEST(Fluentd, MessageMode) {
    TargetSpec small = spec("fluentd");
    small.attributes.clear();
    Line line = kLine;
    line.text = "hi";
    std::string bytes = format_fluentd(small, line, EventTimes::seconds, "");
    EXPECT_EQ(bytes.substr(0, 6), std::string("\x93\xa3tag\xcf", 6));
    EXPECT_EQ(bytes[14], static_cast<char>(0x84));
    EXPECT_TRUE(bytes.ends_with("\xa3log\xa2hi"));
    EXPECT_TRUE(format_fluentd(small, line, EventTimes::nanoseconds, "x")
                    .ends_with("\x81\xa5"
                               "chunk\xa1x"));
}

TEST(Fluentd, OptionsAreChecked) {
    EXPECT_EQ(error_of(spec("fluentd", {{"fluentd-address", "tcp://localhost:24224"}, {"fluentd-async", "true"}})), "");
    EXPECT_NE(error_of(spec("fluentd", {{"fluentd-async", "maybe"}})), "");
    EXPECT_NE(error_of(spec("fluentd", {{"fluentd-address", "gopher://x"}})), "");
    EXPECT_NE(error_of(spec("fluentd", {{"fluentd-retry-wait", "x"}})), "");
    EXPECT_NE(error_of(spec("fluentd", {{"fluentd-max-retries", "-1"}})), "");
}

TEST(Targets, UnknownDriversHaveDockersWords) {
    EXPECT_EQ(error_of(spec("gelf")), "logger: no log driver named 'gelf' is registered");
}

} // namespace
} // namespace hull::logs
