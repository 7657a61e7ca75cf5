#include "net/endpoint_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::net {
namespace {

TEST(EndpointSettings, SettingsOfAnInterfaceAreTakenApart) {
    const auto read = parse_interface_settings("net.ipv6.conf.IFNAME.accept_ra=0,net.ipv4.conf.IFNAME.log_martians=1");
    ASSERT_TRUE(read.ok());
    ASSERT_EQ(read->size(), 2u);
    EXPECT_EQ((*read)[0].family, "ipv6");
    EXPECT_EQ((*read)[0].group, "conf");
    EXPECT_EQ((*read)[0].name, "accept_ra");
    EXPECT_EQ((*read)[0].value, "0");
    EXPECT_EQ((*read)[1].name, "log_martians");
}

TEST(EndpointSettings, NothingButSettingsOfTheInterfaceIsTaken) {
    for (const char* bad : {"", "net.ipv6.conf.IFNAME.accept_ra", "net.ipv6.conf.eth0.accept_ra=0",
                            "net.ipv6.conf.IFNAME.a.b=0", "kernel.ipv6.conf.IFNAME.a=0", "net...IFNAME.a=0",
                            "net.ipv6.conf.IFNAME.../all/forwarding=1", "net.ipv6.conf.IFNAME.=1",
                            "net.ipv6.conf.IFNAME.a=", "net.ipv6.conf.IFNAME.a=1\n2", "net.ipv6.conf.IFNAME.a=1,,"})
        EXPECT_FALSE(parse_interface_settings(bad).ok()) << bad;
}

TEST(EndpointSettings, NamesAreOnesThatTheKernelTakes) {
    for (const char* good : {"eth0", "front", "a-b_c", "123456789012345"})
        EXPECT_TRUE(check_interface_name(good).ok()) << good;
    for (const char* bad : {"", "1234567890123456", "a/b", "a b", "a:b", "..", "lo", "all", "eth%d"})
        EXPECT_FALSE(check_interface_name(bad).ok()) << bad;
}

} // namespace
} // namespace hull::net
