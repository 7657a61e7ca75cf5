// In network namespaces of their own; needs root.
#include "net/host_device_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/guest_namespace.h"
#include "net/link.h"
#include "net/test_address.h"
#include "net/test_network.h"

namespace hull::net {
namespace {

TEST(VlanName, IsADeviceAndANumber) {
    const VlanName name = MUST(parse_vlan_name("eth0.10"));
    EXPECT_EQ(name.parent, "eth0");
    EXPECT_EQ(name.id, 10);
    for (const char* text : {"eth0", "a.b.c", "eth0.", "eth0.x", "eth0.0", "eth0.4095", "eth0.-1", "eth0.1x"})
        EXPECT_FALSE(parse_vlan_name(text).ok()) << text;
    EXPECT_EQ(parse_vlan_name("eth0.5000").error().message(), "vlan id must be between 1-4094, received: 5000");
}

TEST(HostDeviceModes, AreDockers) {
    for (const char* mode : {"", "bridge", "private", "vepa", "passthru"})
        EXPECT_TRUE(check_modes(HostDeviceKind::macvlan, mode, "").ok()) << mode;
    for (const char* mode : {"", "l2", "l3", "l3s"})
        EXPECT_TRUE(check_modes(HostDeviceKind::ipvlan, mode, "private").ok()) << mode;
    EXPECT_EQ(check_modes(HostDeviceKind::macvlan, "l2", "").error().message(),
              "requested macvlan mode 'l2' is not valid, 'bridge' mode is the macvlan driver default");
    EXPECT_EQ(check_modes(HostDeviceKind::ipvlan, "bridge", "").error().message(),
              "requested ipvlan mode 'bridge' is not valid, 'l2' mode is the ipvlan driver default");
    EXPECT_FALSE(check_modes(HostDeviceKind::ipvlan, "l2", "passthru").ok());
}

class HostDeviceNetworkTest : public test::PrivateNetwork {
protected:
    HostDeviceNetworkTest() : socket_(MUST(open_route_socket())) {}

    HostDeviceConfig config(const std::string& parent = "") {
        return {.parent = parent.empty() ? "dm-1" : parent,
                .dummy = parent.empty() ? "dm-1" : "",
                .owner = "test",
                .subnets = {{.address = MUST(Prefix::parse("10.9.0.1/29"))}}};
    }
    bool exists(const std::string& name) { return MUST(find_link(socket_, name)).has_value(); }
    std::optional<Link> inside(BorrowedFd net_ns, const std::string& name) {
        NetlinkSocket guest = MUST(open_guest_socket(net_ns));
        return MUST(find_link(guest, name));
    }

    NetlinkSocket socket_;
};

TEST_F(HostDeviceNetworkTest, GuestsReachEachOther) {
    const auto net = MUST(HostDeviceNetwork::create(config()));
    const UniqueFd one = MUST(sys::new_net_namespace()), two = MUST(sys::new_net_namespace());
    const Endpoint a = MUST(net->attach(one, "eth0", {}, Network::DefaultRoute::here));
    const Endpoint b = MUST(net->attach(two, "eth0", {}, Network::DefaultRoute::here));
    EXPECT_EQ(a.ip.str(), "10.9.0.2");
    EXPECT_EQ(b.gateway.str(), "10.9.0.1");
    EXPECT_EQ(inside(one, "eth0")->kind, "macvlan");
    EXPECT_EQ(inside(one, "eth0")->mac, MacAddress::from_ip(a.ip));
    const UniqueFd listener = test::listen_in(two, 80);
    EXPECT_EQ(test::peer_seen(one, b.ip, 80, listener), a.ip.str());
}

TEST_F(HostDeviceNetworkTest, DetachedGuestsGiveBackWhatTheyHad) {
    const auto net = MUST(HostDeviceNetwork::create(config()));
    const UniqueFd one = MUST(sys::new_net_namespace());
    for (int i = 0; i < 10; ++i) {
        const Endpoint a = MUST(net->attach(one, "eth0", {}, Network::DefaultRoute::leave));
        EXPECT_EQ(a.ip.str(), "10.9.0.2");
        ASSERT_TRUE(net->detach(one, a).ok());
        EXPECT_FALSE(inside(one, "eth0"));
    }
}

TEST_F(HostDeviceNetworkTest, AddressesEnd) {
    const auto net = MUST(HostDeviceNetwork::create(config()));
    std::vector<UniqueFd> spaces;
    for (int i = 0; i < 5; ++i) {
        spaces.push_back(MUST(sys::new_net_namespace()));
        ASSERT_TRUE(net->attach(spaces.back(), "eth0", {}, Network::DefaultRoute::leave).ok());
    }
    const UniqueFd more = MUST(sys::new_net_namespace());
    const auto refused = net->attach(more, "eth0", {}, Network::DefaultRoute::leave);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::no_space);
    EXPECT_FALSE(inside(more, "eth0"));
}

TEST_F(HostDeviceNetworkTest, WhoeverRunsOnKeepsItsAddress) {
    auto net = MUST(HostDeviceNetwork::create(config()));
    const UniqueFd one = MUST(sys::new_net_namespace()), two = MUST(sys::new_net_namespace());
    const Endpoint a = MUST(net->attach(one, "eth0", {}, Network::DefaultRoute::leave));
    net.reset();
    net = MUST(HostDeviceNetwork::create(config()));
    ASSERT_TRUE(net->recover(std::vector{a}).ok());
    EXPECT_EQ(MUST(net->attach(two, "eth0", {}, Network::DefaultRoute::leave)).ip.str(), "10.9.0.3");
    const auto taken = net->attach(two, "eth1", {.ip = a.ip, .mac = {}}, Network::DefaultRoute::leave);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().kind(), ErrorKind::conflict);
}

TEST_F(HostDeviceNetworkTest, AParentThatWasMadeGoesWithItsLastNetwork) {
    HostDeviceConfig second = config();
    second.subnets = {{.address = MUST(Prefix::parse("10.9.1.1/24"))}};
    auto one = MUST(HostDeviceNetwork::create(config()));
    auto two = MUST(HostDeviceNetwork::create(second));
    ASSERT_TRUE(one->remove().ok());
    one.reset();
    EXPECT_TRUE(exists("dm-1"));
    ASSERT_TRUE(two->remove().ok());
    EXPECT_FALSE(exists("dm-1"));
}

TEST_F(HostDeviceNetworkTest, SomebodyElsesParentStays) {
    ASSERT_TRUE(make_dummy(socket_, "up0", "up1", "somebody's").ok());
    const auto net = MUST(HostDeviceNetwork::create(config("up0")));
    ASSERT_TRUE(net->remove().ok());
    EXPECT_TRUE(exists("up0"));
}

TEST_F(HostDeviceNetworkTest, PassthruHasTheParentsMac) {
    ASSERT_TRUE(make_dummy(socket_, "up0", "up1", "somebody's").ok());
    HostDeviceConfig passthru = config("up0");
    passthru.mode = "passthru";
    const auto net = MUST(HostDeviceNetwork::create(passthru));
    const UniqueFd one = MUST(sys::new_net_namespace()), two = MUST(sys::new_net_namespace());
    const MacAddress parents = MUST(find_link(socket_, "up0"))->mac;
    EXPECT_EQ(MUST(net->attach(one, "eth0", {}, Network::DefaultRoute::leave)).mac, parents);
    EXPECT_FALSE(net->attach(two, "eth0", {}, Network::DefaultRoute::leave).ok()) << "there is room for one";
}

TEST_F(HostDeviceNetworkTest, WhatCannotBeAParentIsRefused) {
    EXPECT_EQ(HostDeviceNetwork::create(config("lo")).error().message(),
              "loopback interface is not a valid macvlan parent link");
    EXPECT_EQ(HostDeviceNetwork::create(config("nosuch")).error().message(),
              "invalid subinterface vlan name nosuch, example formatting is eth0.10");
    EXPECT_EQ(HostDeviceNetwork::create(config("nosuch.10")).error().message(),
              "-o parent interface was not found on the host: nosuch");
    ASSERT_TRUE(make_dummy(socket_, "up0", "up1", "somebody's").ok());
    const auto vlan = HostDeviceNetwork::create(config("up0.10"));
    if (!MUST(kernel_makes(socket_, "vlan"))) {
        ASSERT_FALSE(vlan.ok());
        EXPECT_EQ(vlan.error().kind(), ErrorKind::unsupported);
        EXPECT_FALSE(exists("up0.10"));
    } else {
        ASSERT_TRUE(vlan.ok());
        EXPECT_TRUE(exists("up0.10"));
        ASSERT_TRUE((*vlan)->remove().ok());
        EXPECT_FALSE(exists("up0.10"));
    }
}

TEST_F(HostDeviceNetworkTest, IpvlanNeedsItsModule) {
    HostDeviceConfig ipvlan = config();
    ipvlan.kind = HostDeviceKind::ipvlan;
    const auto net = HostDeviceNetwork::create(ipvlan);
    if (MUST(kernel_makes(socket_, "ipvlan"))) {
        ASSERT_TRUE(net.ok());
        const UniqueFd one = MUST(sys::new_net_namespace());
        EXPECT_TRUE((*net)->attach(one, "eth0", {}, Network::DefaultRoute::here).ok());
        return;
    }
    ASSERT_FALSE(net.ok());
    EXPECT_EQ(net.error().kind(), ErrorKind::unsupported);
    EXPECT_FALSE(exists("dm-1"));
}

TEST_F(HostDeviceNetworkTest, AddressesComeFromTheFirstSubnetWithRoom) {
    HostDeviceConfig two = config();
    two.subnets = {{.address = MUST(Prefix::parse("10.9.0.1/30"))},
                   {.address = MUST(Prefix::parse("10.8.0.9/24")), .range = MUST(Prefix::parse("10.8.0.128/25"))}};
    const auto net = MUST(HostDeviceNetwork::create(two));
    const UniqueFd one = MUST(sys::new_net_namespace());
    EXPECT_EQ(MUST(net->attach(one, "eth0", {}, Network::DefaultRoute::leave)).ip.str(), "10.9.0.2");
    const Endpoint second = MUST(net->attach(one, "eth1", {}, Network::DefaultRoute::leave));
    EXPECT_EQ(second.ip.str(), "10.8.0.128");
    EXPECT_EQ(second.gateway.str(), "10.8.0.9");
    EXPECT_EQ(second.prefix_length, 24);
    const EndpointRequest asked{.ip = MUST(IpAddress::parse("10.8.0.5")), .mac = {}};
    EXPECT_EQ(MUST(net->attach(one, "eth2", asked, Network::DefaultRoute::leave)).ip.str(), "10.8.0.5");
}

} // namespace
} // namespace hull::net
