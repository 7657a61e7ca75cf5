#include "net/address.h"

#include <gtest/gtest.h>

#include "net/test_address.h"

namespace hull::net {
namespace {

TEST(IpAddress, PrintsWhatItParsed) {
    for (const char* text : {"0.0.0.0", "172.17.0.2", "255.255.255.255", "::", "fd00::2", "2001:db8::ff00:42:8329"})
        EXPECT_EQ(ip(text).str(), text);
    EXPECT_EQ(ip("172.17.0.2").to_v4(), 0xac110002u);
    EXPECT_EQ(IpAddress::v4(0xac110002u), ip("172.17.0.2"));
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
    using namespace std::string_view_literals;
    for (const std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "1.2.3.4 "sv, "01.2.3.4"sv,
                                        "1.2.3.4\0x"sv, "fd00::1::2"sv, "fe80::1%eth0"sv, "::g"sv})
        EXPECT_FALSE(IpAddress::parse(text).ok()) << text;
}

TEST(Prefix, KnowsItsNetworkMaskAndBroadcast) {
    EXPECT_EQ(prefix("172.17.5.9/20").network(), prefix("172.17.0.0/20"));
    EXPECT_EQ(prefix("172.17.5.9/20").broadcast(), ip("172.17.15.255"));
    EXPECT_EQ(prefix("172.17.5.9/20").mask(), ip("255.255.240.0"));
    EXPECT_EQ(prefix("1.2.3.4/0").mask(), ip("0.0.0.0"));
    EXPECT_EQ(prefix("1.2.3.4/32").network(), prefix("1.2.3.4/32"));
    EXPECT_EQ(prefix("fd00:1:2:3::9/64").network(), prefix("fd00:1:2:3::/64"));
}

TEST(Prefix, TellsWhatItHolds) {
    EXPECT_TRUE(prefix("172.17.0.1/16").contains(ip("172.17.255.255")));
    EXPECT_FALSE(prefix("172.17.0.1/16").contains(ip("172.18.0.0")));
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(ip("::1")));
    EXPECT_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.9.0.0/16")));
    EXPECT_TRUE(prefix("10.9.0.0/16").overlaps(prefix("10.0.0.0/8")));
    EXPECT_FALSE(prefix("10.8.0.0/16").overlaps(prefix("10.9.0.0/16")));
}

TEST(Prefix, RefusesBadLengths) {
    for (const char* text : {"1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8x", "1.2.3.4/ 8", "::/129",
                             "/8", "1.2.3.4/99999999999"})
        EXPECT_FALSE(Prefix::parse(text).ok()) << text;
}

TEST(MacAddress, FollowsFromTheAddressAsDockers) {
    EXPECT_EQ(MacAddress::from_ip(ip("172.17.0.2")).str(), "02:42:ac:11:00:02");
}

TEST(MacAddress, ParsesBothSeparatorsAndRefusesGroups) {
    EXPECT_EQ(MUST(MacAddress::parse("92:D0:c6-0a-29-33")).str(), "92:d0:c6:0a:29:33");
    for (const char* text : {"", "92:d0:c6:0a:29", "92:d0:c6:0a:29:3", "92:d0:c6:0a:29:3g", "92d0c60a2933",
                             "01:00:5e:00:00:01", "92:d0:c6:0a:29:33:44"})
        EXPECT_FALSE(MacAddress::parse(text).ok()) << text;
}

} // namespace
} // namespace hull::net
