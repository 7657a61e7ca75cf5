#include "net/address_pool.h"

#include <array>

#include <gtest/gtest.h>

#include "net/test_address.h"

namespace hull::net {
namespace {

TEST(AddressPool, GivesTheLowestFreeAddressAndSkipsTheSpecialOnes) {
    AddressPool pool(prefix("10.0.0.0/29"), prefix("10.0.0.0/29"));
    pool.reserve(ip("10.0.0.1"));
    for (const char* expected : {"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"})
        EXPECT_EQ(MUST(pool.lease(std::string(expected))).str(), expected);
    EXPECT_EQ(pool.lease("more").error().kind(), ErrorKind::no_space);
    pool.release_all("10.0.0.4");
    pool.release_all("10.0.0.3");
    EXPECT_EQ(MUST(pool.lease("again")).str(), "10.0.0.3");
}

TEST(AddressPool, ReleasesOnlyForTheOwner) {
    AddressPool pool(prefix("10.0.0.0/24"), prefix("10.0.0.0/24"));
    ASSERT_TRUE(pool.lease(ip("10.0.0.7"), "a").ok());
    EXPECT_EQ(pool.lease(ip("10.0.0.7"), "b").error().kind(), ErrorKind::conflict);
    pool.release(ip("10.0.0.7"), "b");
    EXPECT_EQ(pool.lease(ip("10.0.0.7"), "b").error().kind(), ErrorKind::conflict);
    pool.release(ip("10.0.0.7"), "a");
    EXPECT_TRUE(pool.lease(ip("10.0.0.7"), "b").ok());
}

TEST(AddressPool, RefusesWhatIsNoHostOfTheSubnet) {
    AddressPool pool(prefix("10.0.0.0/24"), prefix("10.0.0.128/25"));
    for (const char* wrong : {"10.0.0.0", "10.0.0.255", "10.0.1.1", "fd00::1"})
        EXPECT_EQ(pool.lease(ip(wrong), "a").error().kind(), ErrorKind::invalid_argument) << wrong;
    EXPECT_TRUE(pool.lease(ip("10.0.0.3"), "a").ok()) << "of the subnet, though not of the range";
    EXPECT_EQ(MUST(pool.lease("b")).str(), "10.0.0.128");
}

TEST(AddressPool, EndsAtTheEndOfAllAddresses) {
    AddressPool pool(prefix("255.255.255.252/30"), prefix("255.255.255.252/30"));
    EXPECT_EQ(MUST(pool.lease("a")).str(), "255.255.255.253");
    EXPECT_EQ(MUST(pool.lease("b")).str(), "255.255.255.254");
    EXPECT_FALSE(pool.lease("c").ok());
}

TEST(AddressPool, WorksForIpv6) {
    AddressPool pool(prefix("fd00::/64"), prefix("fd00::ff:0/112"));
    EXPECT_EQ(MUST(pool.lease("a")).str(), "fd00::ff:0");
    EXPECT_EQ(MUST(pool.lease("b")).str(), "fd00::ff:1");
}

TEST(ChooseSubnet, TakesDockersDefaultsInOrder) {
    EXPECT_EQ(choose_subnet({})->str(), "172.17.0.1/16");
    const Prefix local = *choose_subnet6({}, {}, "this machine");
    EXPECT_TRUE(local.str().starts_with("fd") && local.str().ends_with("::1/64")) << local.str();
    EXPECT_EQ(choose_subnet6({}, {}, "this machine"), local);
    EXPECT_NE(choose_subnet6({}, {}, "that machine"), local);
    EXPECT_FALSE(choose_subnet6(std::array{local}, {}, "this machine")->overlaps(local));
    const SubnetPool six{prefix("fd00:5::/56"), 60};
    EXPECT_EQ(choose_subnet6(std::array{prefix("fd00:5::/60")}, std::array{six}, "")->str(), "fd00:5:0:10::1/60");
    EXPECT_EQ(choose_subnet({}, std::array{six})->str(), "172.17.0.1/16");
    EXPECT_EQ(choose_subnet(std::array{prefix("172.17.3.0/24"), prefix("172.18.0.1/15")})->str(), "172.20.0.1/16");
    EXPECT_EQ(choose_subnet(std::array{prefix("172.16.0.0/12")})->str(), "192.168.0.1/20");
    EXPECT_EQ(choose_subnet(std::array{prefix("172.16.0.0/12"), prefix("192.168.0.0/16")}), std::nullopt);
}

} // namespace
} // namespace hull::net
