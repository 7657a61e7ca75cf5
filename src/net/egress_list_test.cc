#include "net/egress_list.h"

#include <gtest/gtest.h>

#include "net/test_address.h"

namespace hull::net {
namespace {

EgressList listed(std::string_view text) { return *MUST(parse_egress(text)); }

TEST(EgressListTest, NetworksPortsAndNames) {
    const EgressList list =
        listed("allow=10.1.2.3/8,192.0.2.1:443/tcp,API.example.com.:8000-8100,fd00::/8,[::1]:53/udp");
    ASSERT_EQ(list.targets.size(), 4u);
    EXPECT_EQ(list.targets[0].network.str(), "10.0.0.0/8");
    EXPECT_EQ(list.targets[0].ports, EgressPorts());
    EXPECT_EQ(list.targets[1].network.str(), "192.0.2.1/32");
    EXPECT_EQ(list.targets[1].ports, (EgressPorts{6, 443, 443}));
    EXPECT_EQ(list.targets[2].network.str(), "fd00::/8");
    EXPECT_EQ(list.targets[3].ports, (EgressPorts{17, 53, 53}));
    ASSERT_EQ(list.names.size(), 2u) << "TCP and UDP";
    EXPECT_EQ(list.names[0].name, "api.example.com");
    EXPECT_EQ(list.names[0].ports, (EgressPorts{6, 8000, 8100}));
}

TEST(EgressListTest, NamesBelowAName) {
    const EgressList list = listed("allow=*.example.org:443/tcp,one.example.com");
    EXPECT_TRUE(list.knows("a.example.org"));
    EXPECT_TRUE(list.knows("a.b.example.org"));
    EXPECT_FALSE(list.knows("example.org"));
    EXPECT_FALSE(list.knows("badexample.org"));
    EXPECT_TRUE(list.knows("one.example.com"));
    EXPECT_FALSE(list.knows("two.one.example.com"));
    const auto targets = list.targets_of("a.example.org", MUST(IpAddress::parse("192.0.2.7")));
    ASSERT_EQ(targets.size(), 1u);
    EXPECT_EQ(targets[0], (EgressTarget{MUST(Prefix::parse("192.0.2.7/32")), {6, 443, 443}}));
    EXPECT_TRUE(list.targets_of("other", MUST(IpAddress::parse("192.0.2.7"))).empty());
}

TEST(EgressListTest, NothingAndAnything) {
    EXPECT_TRUE(listed("allow=none").targets.empty());
    EXPECT_FALSE(MUST(parse_egress("any")).has_value());
}

TEST(EgressListTest, WhatIsNoListIsRefused) {
    for (const char* text : {"",
                             "none",
                             "allow",
                             "allow=",
                             "allow=,",
                             "allow=10.0.0.0/33",
                             "allow=10.0.0.0/8:",
                             "allow=1.2.3.4:0",
                             "allow=1.2.3.4:70000",
                             "allow=1.2.3.4:9-8",
                             "allow=1.2.3.4:80/sctp",
                             "allow=[fd00::1",
                             "allow=[fd00::1]x",
                             "allow=a b",
                             "allow=a..b",
                             "allow=*",
                             "allow=a.*.b",
                             "allow=1.2.3",
                             "allow=300.1.1.1",
                             "deny=1.1.1.1"})
        EXPECT_FALSE(parse_egress(text).ok()) << text;
    std::string many = "allow=1.1.1.1";
    for (int i = 0; i < 600; ++i) many += ",1.1.1.1";
    EXPECT_FALSE(parse_egress(many).ok());
}

TEST(BandwidthTest, RatesAndSides) {
    EXPECT_EQ(MUST(parse_bandwidth("in=10mbit,out=512kbit")), (Bandwidth{10'000'000, 512'000}));
    EXPECT_EQ(MUST(parse_bandwidth("out=1g")), (Bandwidth{0, 1'000'000'000}));
    EXPECT_EQ(MUST(parse_bandwidth("none")), Bandwidth());
    EXPECT_EQ(MUST(parse_bandwidth("in=none,out=8000bit")), (Bandwidth{0, 8000}));
    for (const char* text : {"", "10mbit", "in=", "in=10", "in=1bit", "up=1mbit", "in=-1mbit", "in=10mbit,", "in=1tbit",
                             "in=99999999999gbit"})
        EXPECT_FALSE(parse_bandwidth(text).ok()) << text;
}

} // namespace
} // namespace hull::net
