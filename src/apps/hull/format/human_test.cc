#include "apps/hull/format/human.h"

#include <gtest/gtest.h>

namespace hull::format {
namespace {

constexpr int64_t second = 1'000'000'000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

TEST(Human, SizesOfThousands) {
    EXPECT_EQ(decimal_size(0), "0B");
    EXPECT_EQ(decimal_size(999), "999B");
    EXPECT_EQ(decimal_size(1000), "1kB");
    EXPECT_EQ(decimal_size(4261550), "4.26MB");
    EXPECT_EQ(decimal_size(1.5e9), "1.5GB");
    EXPECT_EQ(decimal_size(124.6e6, 4), "124.6MB");
}

TEST(Human, SizesOf1024) {
    EXPECT_EQ(binary_size(404 * 1024), "404KiB");
    EXPECT_EQ(binary_size(23.54 * (1 << 30)), "23.54GiB");
}

TEST(Human, AgesInWords) {
    EXPECT_EQ(duration_words(second / 2), "Less than a second");
    EXPECT_EQ(duration_words(second), "1 second");
    EXPECT_EQ(duration_words(59 * second), "59 seconds");
    EXPECT_EQ(duration_words(61 * second), "About a minute");
    EXPECT_EQ(duration_words(3 * minute), "3 minutes");
    EXPECT_EQ(duration_words(60 * minute), "About an hour");
    EXPECT_EQ(duration_words(47 * hour), "47 hours");
    EXPECT_EQ(duration_words(3 * day), "3 days");
    EXPECT_EQ(duration_words(15 * day), "2 weeks");
    EXPECT_EQ(duration_words(70 * day), "2 months");
    EXPECT_EQ(duration_words(800 * day), "2 years");
}

TEST(Human, ReadsSizes) {
    EXPECT_EQ(*parse_bytes("512"), 512);
    EXPECT_EQ(*parse_bytes("64k"), 65536);
    EXPECT_EQ(*parse_bytes("1.5g"), 1610612736);
    EXPECT_EQ(*parse_bytes("2GiB"), int64_t{2} << 30);
    EXPECT_EQ(*parse_bytes("10 MB"), 10 << 20);
    for (const char* bad : {"", "x", "-1", "1q", "1.2.3", "99999999999999p"})
        EXPECT_FALSE(parse_bytes(bad).ok()) << bad;
}

TEST(Human, ReadsDurations) {
    EXPECT_EQ(*parse_duration("1h15m30.5s"), hour + 15 * minute + 30 * second + second / 2);
    EXPECT_EQ(*parse_duration("300ms"), 300'000'000);
    EXPECT_EQ(*parse_duration("-1.5h"), -90 * minute);
    EXPECT_EQ(*parse_duration("0"), 0);
    for (const char* bad : {"", "5", "s", "1x", "1h-1m"}) EXPECT_FALSE(parse_duration(bad).ok()) << bad;
}

TEST(Human, CutsTexts) {
    EXPECT_EQ(short_id("sha256:0123456789abcdef"), "0123456789ab");
    EXPECT_EQ(ellipsis("sleep 1000", 20), "sleep 1000");
    EXPECT_EQ(ellipsis("0123456789", 5), "0123…");
    EXPECT_EQ(ellipsis("äöüäöü", 4), "äöü…");
    EXPECT_EQ(display_width("aä…"), 3u);
}

} // namespace
} // namespace hull::format
