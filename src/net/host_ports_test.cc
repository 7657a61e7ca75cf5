#include "net/host_ports.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include "net/firewall.h"
#include "net/inet.h"
#include "net/link.h"
#include "net/test_address.h"
#include "net/test_network.h"

namespace hull::net {
namespace {

class HostPortsTest : public test::PrivateNetwork {
protected:
    HostPortsTest() {
        NetlinkSocket socket = MUST(open_route_socket());
        MUST(set_up(socket, "lo"));
    }
    static HostPorts::Wish wish(const char* host, uint16_t first, uint16_t last) {
        return {.protocol = IPPROTO_TCP,
                .host = ip(host),
                .first = first,
                .last = last,
                .container = ip("127.0.0.1"),
                .container_port = 7000};
    }
    HostPorts ports_;
};

TEST_F(HostPortsTest, APortIsGivenOnceAndComesBack) {
    EXPECT_EQ(MUST(ports_.reserve("a", wish("0.0.0.0", 8000, 8000))), 8000);
    const auto again = ports_.reserve("b", wish("127.0.0.1", 8000, 8000));
    EXPECT_EQ(again.error().message(), "Bind for 127.0.0.1:8000 failed: port is already allocated");
    EXPECT_EQ(MUST(ports_.reserve("b", wish("0.0.0.0", 8000, 8005))), 8001) << "the first free one of a range";
    ports_.release("a");
    EXPECT_EQ(MUST(ports_.reserve("b", wish("127.0.0.1", 8000, 8000))), 8000);
    EXPECT_GT(MUST(ports_.reserve("b", wish("0.0.0.0", 0, 0))), 1023);
}

// A restarted container takes its ports again at once.
TEST_F(HostPortsTest, APortOfTheRelayIsFreeWhenItIsReleased) {
    for (int i = 0; i < 300; ++i) {
        auto taken = ports_.reserve("a", wish("::", 8200, 8200));
        ASSERT_TRUE(taken.ok()) << i << ": " << taken.error().message();
        ports_.release("a");
    }
}

TEST_F(HostPortsTest, WhatAnotherProgramHasIsNoticed) {
    const UniqueFd other = MUST(sys::bind_inet(IPPROTO_TCP, to_inet(ip("127.0.0.1"), 8100)));
    const auto taken = ports_.reserve("a", wish("0.0.0.0", 8100, 8100));
    EXPECT_EQ(taken.error().message(), "listen tcp4 0.0.0.0:8100: bind: address already in use");
}

TEST_F(HostPortsTest, Ipv6ConnectionsAreCarried) {
    const UniqueFd server = MUST(sys::bind_inet(IPPROTO_TCP, to_inet(ip("127.0.0.1"), 7000)));
    ASSERT_EQ(MUST(ports_.reserve("a", wish("::1", 8200, 8200))), 8200);
    const UniqueFd client = MUST(sys::connect_inet(IPPROTO_TCP, to_inet(ip("::1"), 8200)));
    ASSERT_TRUE(MUST(sys::wait_for(server, POLLIN, 5000)));
    auto accepted = MUST(sys::accept_inet(server));
    ASSERT_TRUE(accepted);
    ASSERT_TRUE(MUST(sys::wait_for(client, POLLOUT, 5000)));
    (void)MUST(sys::send_some(client, "question"));
    sys::finish_sending(client);
    ASSERT_TRUE(MUST(sys::wait_for(*accepted, POLLIN, 5000)));
    std::array<char, 64> buffer;
    EXPECT_EQ(MUST(sys::receive_some(*accepted, buffer)), 8U);
    (void)MUST(sys::send_some(*accepted, "answer"));
    ASSERT_TRUE(MUST(sys::wait_for(client, POLLIN, 5000)));
    EXPECT_EQ(MUST(sys::receive_some(client, buffer)), 6U);
    ports_.release("a");
}

TEST_F(HostPortsTest, RulesOfPortsComeAndGo) {
    MUST(install_rules({.bridge = "b0", .subnets = {prefix("10.0.0.0/24")}}));
    std::vector<PortRule> rules;
    for (uint16_t i = 0; i < 300; ++i)
        rules.push_back({IPPROTO_TCP, ip("0.0.0.0"), static_cast<uint16_t>(9000 + i), ip("10.0.0.2"), i});
    EXPECT_TRUE(add_ports("b0", rules).ok());
    EXPECT_TRUE(remove_ports("b0", rules).ok());
    EXPECT_FALSE(remove_ports("b0", {rules.data(), 1}).ok()) << "it isn't there any more";
    MUST(remove_rules("b0"));
}

} // namespace
} // namespace hull::net
