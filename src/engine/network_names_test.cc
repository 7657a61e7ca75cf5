#include "engine/network_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/port_bindings.h"
#include "net/dns_message.h"

namespace hull::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = net::NameAnswer::Kind;

constexpr uint16_t kA = 1, kAaaa = 28, kPtr = 12;

NetworkNames::Member on(const char* network, const char* address, std::vector<std::string> names,
                        bool internal = false) {
    return {.network_id = std::string("id-") + network,
            .network = network,
            .ips = {MUST(net::IpAddress::parse(address))},
            .main = names.at(0),
            .names = names,
            .links = {},
            .internal = internal};
}

TEST(NetworkNames, AreSeenOnSharedNetworksOnly) {
    NetworkNames names;
    names.set("a", {on("front", "10.0.0.2", {"Web", "www"})});
    names.set("b", {on("front", "10.0.0.3", {"b"}), on("back", "10.1.0.3", {"b"})});
    names.set("c", {on("back", "10.1.0.4", {"db"})});
    EXPECT_THAT(names.ask("b", "web", kA).addresses, ElementsAre(MUST(net::IpAddress::parse("10.0.0.2"))));
    EXPECT_THAT(names.ask("b", "db.back", kA).addresses, SizeIs(1));
    EXPECT_EQ(names.ask("b", "db.front", kA).kind, Kind::unknown);
    EXPECT_EQ(names.ask("a", "db", kA).kind, Kind::unknown);
    EXPECT_EQ(names.ask("stranger", "web", kA).kind, Kind::unknown);
    const auto six = names.ask("b", "www", kAaaa);
    EXPECT_EQ(six.kind, Kind::addresses);
    EXPECT_THAT(six.addresses, IsEmpty());
    EXPECT_EQ(names.ask("b", "2.0.0.10.in-addr.arpa", kPtr).name, "Web.front");
    EXPECT_EQ(names.ask("a", "4.0.1.10.in-addr.arpa", kPtr).kind, Kind::unknown);
    names.remove("a");
    EXPECT_EQ(names.ask("b", "web", kA).kind, Kind::unknown);
}

TEST(NetworkNames, SeveralGoRound) {
    NetworkNames names;
    names.set("a", {on("n", "10.0.0.2", {"a", "svc"})});
    names.set("b", {on("n", "10.0.0.3", {"b", "svc"})});
    const auto first = names.ask("a", "svc", kA).addresses, second = names.ask("a", "svc", kA).addresses;
    EXPECT_THAT(first, SizeIs(2));
    EXPECT_NE(first[0], second[0]);
}

TEST(NetworkNames, LinksAreForTheirOwnerAndInternalNetworksAskNobody) {
    NetworkNames names;
    auto linked = on("n", "10.0.0.2", {"a"}, true);
    linked.links["memo"] = "b";
    names.set("a", {linked});
    names.set("b", {on("n", "10.0.0.3", {"b"}, true)});
    EXPECT_THAT(names.ask("a", "memo", kA).addresses, SizeIs(1));
    EXPECT_EQ(names.ask("b", "memo", kA).kind, Kind::refused);
}

TEST(NetworkNames, AnswerByFamily) {
    NetworkNames names;
    auto both = on("n", "10.0.0.2", {"a"});
    both.ips.push_back(MUST(net::IpAddress::parse("fd00::2")));
    names.set("a", {both});
    EXPECT_EQ(names.ask("a", "a", kA).addresses, std::vector{both.ips[0]});
    EXPECT_EQ(names.ask("a", "a", kAaaa).addresses, std::vector{both.ips[1]});
    std::string reverse = "2.";
    for (int i = 0; i < 27; ++i) reverse += "0.";
    EXPECT_EQ(names.ask("a", reverse + "0.0.d.f.ip6.arpa", kPtr).name, "a.n");
}

TEST(PortBindings, AreExpanded) {
    model::ContainerConfig config;
    config.exposed_ports = {"80/tcp", "90-91/udp"};
    model::HostConfig host;
    host.port_bindings["80/tcp"] = {{.host_ip = "127.0.0.1", .host_port = "8000-8010"}};
    auto wishes = MUST(port_wishes(config, host));
    ASSERT_EQ(wishes.size(), 1U);
    EXPECT_EQ(wishes[0].first, 8000);
    EXPECT_EQ(wishes[0].last, 8010);
    host.publish_all_ports = true;
    EXPECT_EQ(MUST(port_wishes(config, host)).size(), 3U);
    host.port_bindings["1/tcp"] = {{.host_ip = "no", .host_port = ""}};
    EXPECT_EQ(port_wishes(config, host).error().message(), "invalid IP address: no");
    EXPECT_FALSE(expand_ports("0").ok());
    EXPECT_FALSE(expand_ports("65536").ok());
    EXPECT_FALSE(expand_ports("9-8").ok());
    EXPECT_EQ(MUST(expand_ports("1-3/UDP")).size(), 3U);
}

} // namespace
} // namespace hull::engine
