#include "net/bridge.h"

#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "net/firewall.h"
#include "net/link.h"
#include "net/test_address.h"
#include "net/test_network.h"
#include "sys/file.h"

namespace hull::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

class BridgeTest : public test::PrivateNetwork {
protected:
    BridgeTest() : socket_(MUST(open_route_socket())) {
        // A new namespace starts with the setting of the machine's first one.
        EXPECT_TRUE(sys::write_existing("/proc/sys/net/ipv4/ip_forward", "0").ok());
    }

    static BridgeConfig config(const char* address = "172.17.0.1/16") {
        BridgeConfig out;
        out.owner = "/var/lib/test";
        out.address = prefix(address);
        return out;
    }
    static std::unique_ptr<Bridge> bridge(const BridgeConfig& config) { return MUST(Bridge::create(config)); }

    std::vector<std::string> links() {
        std::vector<std::string> names;
        const std::vector<Link> all = MUST(list_links(socket_));
        for (const Link& link : all)
            if (link.name.starts_with("veth")) names.push_back(link.name);
        return names;
    }
    bool exists(const std::string& name) { return MUST(find_link(socket_, name)).has_value(); }
    static bool has_eth0(BorrowedFd net_ns) {
        const auto inside = MUST(sys::NetNamespaceScope::enter(net_ns));
        NetlinkSocket socket = MUST(open_route_socket());
        return MUST(find_link(socket, "eth0")).has_value();
    }

    struct Container {
        UniqueFd net_ns;
        Endpoint endpoint;
    };
    static Container container(Bridge& bridge, const EndpointRequest& request = {}) {
        Container out{MUST(sys::new_net_namespace()), {}};
        out.endpoint = MUST(bridge.connect(MUST(bridge.prepare(out.net_ns)), request));
        return out;
    }

    NetlinkSocket socket_;
};

TEST_F(BridgeTest, MakesAnAddressedDeviceOnceAndFindsItAgain) {
    const auto first = bridge(config());
    const uint32_t index = MUST(find_link(socket_, "hull0"))->index;
    const auto second = bridge(config());
    EXPECT_EQ(MUST(find_link(socket_, "hull0"))->index, index);
    EXPECT_TRUE(MUST(find_link(socket_, "hull0"))->up);
    EXPECT_EQ(second->subnet().str(), "172.17.0.0/16");
    EXPECT_EQ(second->gateway().str(), "172.17.0.1");
    EXPECT_TRUE(MUST(sys::read_file("/proc/sys/net/ipv4/ip_forward")).starts_with('1'));
}

TEST_F(BridgeTest, ChoosesASubnetThatNobodyUses) {
    BridgeConfig other = config("172.17.9.1/24");
    other.name = "other0";
    const auto taken = bridge(other);
    BridgeConfig open = config();
    open.address.reset();
    EXPECT_EQ(bridge(open)->subnet().str(), "172.18.0.0/16");
}

TEST_F(BridgeTest, RefusesTheDeviceOfAnotherOwner) {
    const auto first = bridge(config());
    BridgeConfig other = config();
    other.owner = "/var/lib/other";
    const auto refused = Bridge::create(other);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
    EXPECT_THAT(refused.error().message(), HasSubstr("/var/lib/test"));
}

TEST_F(BridgeTest, RefusesADeviceThatIsNoBridge) {
    BridgeConfig wrong = config();
    wrong.name = "lo";
    EXPECT_EQ(Bridge::create(wrong).error().kind(), ErrorKind::conflict);
}

TEST_F(BridgeTest, UsesAnAdministratorsBridgeAndLeavesItThere) {
    ASSERT_TRUE(make_bridge(socket_, "br0", {{0x02, 1, 2, 3, 4, 5}}, 1500, "").ok());
    BridgeConfig theirs = config();
    theirs.name = "br0";
    EXPECT_EQ(Bridge::create(theirs).error().kind(), ErrorKind::conflict) << "it has no address";
    ASSERT_TRUE(add_address(socket_, MUST(find_link(socket_, "br0"))->index, prefix("10.8.0.1/24")).ok());
    EXPECT_EQ(Bridge::create(theirs).error().kind(), ErrorKind::conflict) << "it has another address";
    theirs.address.reset();
    const auto used = bridge(theirs);
    EXPECT_EQ(used->subnet().str(), "10.8.0.0/24");
    EXPECT_TRUE(used->remove().ok());
    EXPECT_TRUE(exists("br0"));
}

TEST_F(BridgeTest, GetsAnotherAddressOnlyWhileNobodyIsAttached) {
    auto first = bridge(config());
    Container c = container(*first);
    first.reset();
    const auto refused = Bridge::create(config("10.7.0.1/24"));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
    ASSERT_TRUE(delete_link(socket_, c.endpoint.host_interface).ok());
    EXPECT_EQ(bridge(config("10.7.0.1/24"))->subnet().str(), "10.7.0.0/24");
}

TEST_F(BridgeTest, RefusesNonsenseAndLeavesNothing) {
    for (const char* address : {"172.17.0.0/16", "172.17.255.255/16", "172.17.0.1/31", "172.17.0.1/7", "fd00::1/64"})
        EXPECT_EQ(Bridge::create(config(address)).error().kind(), ErrorKind::invalid_argument) << address;
    for (const char* name : {"", "a/b", "..", "sixteen-letters-", "sp ace"}) {
        BridgeConfig wrong = config();
        wrong.name = name;
        EXPECT_EQ(Bridge::create(wrong).error().kind(), ErrorKind::invalid_argument) << name;
    }
    BridgeConfig wrong = config();
    wrong.fixed_cidr = prefix("172.18.0.0/24");
    EXPECT_EQ(Bridge::create(wrong).error().kind(), ErrorKind::invalid_argument);
    wrong = config();
    wrong.gateway = ip("10.0.0.1");
    EXPECT_EQ(Bridge::create(wrong).error().kind(), ErrorKind::invalid_argument);
    EXPECT_FALSE(exists("hull0"));
}

TEST_F(BridgeTest, GivesContainersDockersAddresses) {
    const auto net = bridge(config());
    const Container a = container(*net), b = container(*net);
    EXPECT_EQ(a.endpoint.ip.str(), "172.17.0.2");
    EXPECT_EQ(a.endpoint.mac.str(), "02:42:ac:11:00:02");
    EXPECT_EQ(a.endpoint.prefix_length, 16);
    EXPECT_EQ(a.endpoint.gateway.str(), "172.17.0.1");
    EXPECT_EQ(a.endpoint.interface, "eth0");
    EXPECT_EQ(b.endpoint.ip.str(), "172.17.0.3");
}

TEST_F(BridgeTest, ConnectsContainersWithEachOtherAndWithTheHost) {
    const auto net = bridge(config());
    const Container a = container(*net), b = container(*net);
    const UniqueFd in_b = test::listen_in(b.net_ns, 80), in_host = test::listen_in(home_, 80);
    EXPECT_EQ(test::peer_seen(a.net_ns, b.endpoint.ip, 80, in_b), a.endpoint.ip.str());
    EXPECT_EQ(test::peer_seen(a.net_ns, net->gateway(), 80, in_host), a.endpoint.ip.str());
    EXPECT_EQ(test::peer_seen(home_, b.endpoint.ip, 80, in_b), net->gateway().str());
    EXPECT_EQ(test::peer_seen(b.net_ns, ip("127.0.0.1"), 80, in_b), "127.0.0.1");
}

TEST_F(BridgeTest, KeepsContainersApartWhenAsked) {
    BridgeConfig apart = config();
    apart.container_communication = Switch::off;
    const auto net = bridge(apart);
    const Container a = container(*net), b = container(*net);
    const UniqueFd in_b = test::listen_in(b.net_ns, 80), in_host = test::listen_in(home_, 80);
    EXPECT_EQ(test::peer_seen(a.net_ns, b.endpoint.ip, 80, in_b, 300), "");
    EXPECT_EQ(test::peer_seen(a.net_ns, net->gateway(), 80, in_host), a.endpoint.ip.str());
}

// Another bridge stands for the world outside.
TEST_F(BridgeTest, MasqueradesWhatLeavesTheSubnet) {
    const auto net = bridge(config());
    BridgeConfig plain = config("10.9.0.1/24");
    plain.name = "world0";
    plain.firewall = Switch::off;
    const auto world = bridge(plain);
    const Container inside = container(*net), outside = container(*world);
    const UniqueFd server = test::listen_in(outside.net_ns, 80);
    EXPECT_EQ(test::peer_seen(inside.net_ns, outside.endpoint.ip, 80, server), "10.9.0.1");
    const UniqueFd exposed = test::listen_in(inside.net_ns, 80);
    EXPECT_EQ(test::peer_seen(outside.net_ns, inside.endpoint.ip, 80, exposed, 300), "") << "nobody published it";
}

TEST_F(BridgeTest, HonoursAddressAndMacAskedFor) {
    const auto net = bridge(config());
    const MacAddress mac = MUST(MacAddress::parse("92:d0:c6:0a:29:33"));
    const Container a = container(*net, {ip("172.17.9.9"), mac}), b = container(*net);
    EXPECT_EQ(a.endpoint.ip.str(), "172.17.9.9");
    EXPECT_EQ(a.endpoint.mac, mac);
    EXPECT_EQ(b.endpoint.ip.str(), "172.17.0.2");
    const UniqueFd in_a = test::listen_in(a.net_ns, 80);
    EXPECT_EQ(test::peer_seen(b.net_ns, a.endpoint.ip, 80, in_a), b.endpoint.ip.str());

    const UniqueFd ns = MUST(sys::new_net_namespace());
    for (const auto& [wish, kind] :
         {std::pair(ip("172.17.9.9"), ErrorKind::conflict), std::pair(ip("172.17.0.1"), ErrorKind::conflict),
          std::pair(ip("10.0.0.1"), ErrorKind::invalid_argument)}) {
        const auto refused = net->connect(MUST(net->prepare(ns)), {wish, {}});
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().kind(), kind) << wish.str();
        net->drain();
    }
    EXPECT_FALSE(has_eth0(ns));
}

TEST_F(BridgeTest, TakesAddressesFromTheFixedPartAndSaysWhenItIsFull) {
    BridgeConfig narrow = config();
    narrow.fixed_cidr = prefix("172.17.4.0/30");
    const auto net = bridge(narrow);
    std::vector<Container> all;
    for (int i = 0; i < 4; ++i) all.push_back(container(*net));
    EXPECT_EQ(all.front().endpoint.ip.str(), "172.17.4.0");
    EXPECT_EQ(all.back().endpoint.ip.str(), "172.17.4.3");
    const UniqueFd ns = MUST(sys::new_net_namespace());
    const auto full = net->connect(MUST(net->prepare(ns)), {});
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().kind(), ErrorKind::no_space);
    net->disconnect(all[1].endpoint);
    net->drain();
    EXPECT_EQ(container(*net).endpoint.ip, all[1].endpoint.ip);
}

std::vector<std::string> addresses_in(BorrowedFd net_ns) {
    const auto inside = MUST(sys::NetNamespaceScope::enter(net_ns));
    NetlinkSocket socket = MUST(open_route_socket());
    std::vector<std::string> out;
    const auto all = MUST(list_addresses(socket));
    for (const InterfaceAddress& address : all) out.push_back(address.prefix.str());
    return out;
}

TEST_F(BridgeTest, GivesAddressesOfBothFamilies) {
    BridgeConfig both = config();
    both.ipv6 = Switch::on;
    both.address6 = prefix("fd00:1::1/64");
    auto net = bridge(both);
    const Container a = container(*net);
    EXPECT_EQ(a.endpoint.ip.str(), "172.17.0.2");
    EXPECT_EQ(a.endpoint.ip6->str(), "fd00:1::2");
    EXPECT_EQ(a.endpoint.gateway6.str(), "fd00:1::1");
    EXPECT_THAT(addresses_in(a.net_ns), IsSupersetOf({"fd00:1::2/64", "172.17.0.2/16", "fe80::42:acff:fe11:2/64"}));
    // Another address and another MAC leave IPv6 as it is, but for the link's own.
    const MacAddress mac = MUST(MacAddress::parse("92:d0:c6:0a:29:33"));
    const Container b = container(*net, {ip("172.17.9.9"), mac});
    EXPECT_THAT(addresses_in(b.net_ns),
                IsSupersetOf({"fd00:1::3/64", "172.17.9.9/16", "fe80::90d0:c6ff:fe0a:2933/64"}));
    EXPECT_EQ(addresses_in(b.net_ns).size(), 5U) << "with those of lo";
    net.reset();
    net = bridge(both);
    ASSERT_TRUE(net->recover(std::vector{a.endpoint}).ok());
    net->drain();
    EXPECT_EQ(container(*net).endpoint.ip6->str(), "fd00:1::3");
    // One that it chose it keeps.
    BridgeConfig open = both;
    open.address6.reset();
    EXPECT_EQ(bridge(open)->ipv6()->subnet.str(), "fd00:1::/64");
}

TEST_F(BridgeTest, DoesWithoutIpv4) {
    BridgeConfig six = config();
    six.ipv4 = Switch::off;
    EXPECT_EQ(Bridge::create(six).error().kind(), ErrorKind::invalid_argument) << "neither";
    six.ipv6 = Switch::on;
    const auto net = bridge(six);
    EXPECT_TRUE(net->ipv6()->subnet.str().starts_with("fd")) << net->ipv6()->subnet.str();
    const UniqueFd ns = MUST(sys::new_net_namespace());
    const Endpoint made = MUST(net->attach(ns, "eth7", {}, Bridge::DefaultRoute::here));
    EXPECT_TRUE(made.ip.unspecified());
    EXPECT_TRUE(made.ip6);
    const UniqueFd other = MUST(sys::new_net_namespace());
    EXPECT_EQ(net->attach(other, "eth0", {ip("172.17.0.9"), {}, {}}, Bridge::DefaultRoute::leave).error().kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(net->attach(other, "eth0", {{}, {}, made.ip6}, Bridge::DefaultRoute::leave).error().kind(),
              ErrorKind::conflict);
}

TEST_F(BridgeTest, NoticesThatRulesAreMissing) {
    const auto net = bridge(config());
    EXPECT_EQ(MUST(net->find_fault()), Bridge::Fault::none);
    ASSERT_TRUE(remove_rules("hull0").ok());
    EXPECT_EQ(MUST(net->find_fault()), Bridge::Fault::rules);
    ASSERT_TRUE(net->install_rules_again().ok());
    EXPECT_EQ(MUST(net->find_fault()), Bridge::Fault::none);
}

// An engine that is restarted: who comes meanwhile is let through.
TEST_F(BridgeTest, PortsGoOnUntilItIsKnownWhoseTheyAre) {
    const PortRule web{.host = ip("0.0.0.0"), .host_port = 80, .container = ip("172.17.0.9"), .container_port = 8080};
    PortRule moved = web, gone = web, six = web;
    moved.host_port = 81;
    gone.host_port = 82;
    six.host = ip("::"), six.container = ip("fd00::9");
    {
        const auto before = bridge(config());
        const Container a = container(*before);
        ASSERT_TRUE(before->publish(std::vector{web, moved, gone, six}, a.endpoint.host_interface).ok());
    }
    const auto net = bridge(config());
    const Container a = container(*net);
    EXPECT_THAT(MUST(published_ports("hull0")), UnorderedElementsAre(web, moved, gone, six));
    EXPECT_EQ(MUST(net->find_fault()), Bridge::Fault::none);
    moved.container = ip("172.17.0.10");
    ASSERT_TRUE(net->publish(std::vector{web, moved, six}, a.endpoint.host_interface).ok());
    net->unpublish_inherited();
    EXPECT_THAT(MUST(published_ports("hull0")), UnorderedElementsAre(web, moved, six));
    EXPECT_EQ(MUST(net->find_fault()), Bridge::Fault::none);
}

TEST_F(BridgeTest, DisconnectsTwiceWithoutHarm) {
    const auto net = bridge(config());
    const Container a = container(*net);
    net->disconnect(a.endpoint);
    net->disconnect(a.endpoint);
    net->disconnect(Endpoint{});
    net->drain();
    EXPECT_THAT(links(), IsEmpty());
    EXPECT_FALSE(has_eth0(a.net_ns));
    const Container again = container(*net);
    EXPECT_EQ(again.endpoint.ip, a.endpoint.ip);
    net->disconnect(a.endpoint);
    net->drain();
    EXPECT_TRUE(exists(again.endpoint.host_interface)) << "the old endpoint must not take the new one's link";
}

TEST_F(BridgeTest, TakesBackALinkThatNobodyConnected) {
    const auto net = bridge(config());
    const UniqueFd ns = MUST(sys::new_net_namespace());
    { const PreparedLink dropped = MUST(net->prepare(ns)); }
    net->drain();
    EXPECT_THAT(links(), IsEmpty());
    EXPECT_EQ(container(*net).endpoint.ip.str(), "172.17.0.2");
}

TEST_F(BridgeTest, LeavesNothingWhenTheNamespaceAlreadyHasAnInterface) {
    const auto net = bridge(config());
    const Container a = container(*net);
    EXPECT_FALSE(net->prepare(a.net_ns).ok());
    net->drain();
    EXPECT_THAT(links(), ElementsAre(a.endpoint.host_interface));
}

TEST_F(BridgeTest, RecoversWhoLivesAndSweepsTheRest) {
    auto net = bridge(config());
    const Container live = container(*net), gone = container(*net);
    net.reset();
    net = bridge(config());
    ASSERT_TRUE(net->recover(std::vector{live.endpoint}).ok());
    net->drain();
    EXPECT_THAT(links(), ElementsAre(live.endpoint.host_interface));
    EXPECT_EQ(container(*net).endpoint.ip, gone.endpoint.ip);
    net->disconnect(live.endpoint);
    net->drain();
    EXPECT_EQ(container(*net).endpoint.ip, live.endpoint.ip);
}

TEST_F(BridgeTest, IsRemovedOnlyWhenNobodyIsAttached) {
    const auto net = bridge(config());
    const Container a = container(*net);
    const auto refused = net->remove();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
    net->disconnect(a.endpoint);
    ASSERT_TRUE(net->remove().ok());
    EXPECT_FALSE(exists("hull0"));
    EXPECT_TRUE(MUST(sys::read_file("/proc/sys/net/ipv4/ip_forward")).starts_with('0')) << "as it was before";
}

TEST_F(BridgeTest, SweepsTheRulesOfBridgesThatSomebodyDeleted) {
    BridgeConfig other = config("10.7.0.1/24");
    other.name = "other0";
    (void)bridge(config());
    (void)bridge(other);
    EXPECT_THAT(MUST(bridges_with_rules()), UnorderedElementsAre("hull0", "other0"));
    ASSERT_TRUE(delete_link(socket_, "hull0").ok());
    (void)bridge(other);
    EXPECT_THAT(MUST(bridges_with_rules()), UnorderedElementsAre("other0"));
}

TEST_F(BridgeTest, KeepsTheCensusThroughManyParallelContainers) {
    const auto net = bridge(config());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) net->disconnect(container(*net).endpoint);
        });
    for (std::thread& thread : threads) thread.join();
    net->drain();
    EXPECT_THAT(links(), IsEmpty());
    EXPECT_EQ(container(*net).endpoint.ip.str(), "172.17.0.2");
}

TEST_F(BridgeTest, LeavesNoThreadInAnotherNamespace) {
    const auto net = bridge(config());
    const Container a = container(*net);
    EXPECT_TRUE(MUST(sys::same_namespace(MUST(sys::current_net_namespace()), home_)));
    EXPECT_TRUE(prepare_loopback(a.net_ns).ok());
    EXPECT_TRUE(MUST(sys::same_namespace(MUST(sys::current_net_namespace()), home_)));
}

} // namespace
} // namespace hull::net
