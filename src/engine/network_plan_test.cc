#include "engine/network_plan.h"

#include <gtest/gtest.h>

#include "engine/overlay_plan.h"

namespace hull::engine {
namespace {

model::NetworkRequest wanted(const std::string& driver, std::map<std::string, std::string> options = {}) {
    model::NetworkRequest request;
    request.name = "n";
    request.driver = driver;
    request.options = std::move(options);
    return request;
}

net::IpAddress ip(const char* text) { return MUST(net::IpAddress::parse(text)); }
net::Prefix prefix(const char* text) { return MUST(net::Prefix::parse(text)); }

TEST(NetworkPlan, KnowsDockersDrivers) {
    EXPECT_EQ(MUST(check_driver(wanted(""))), "bridge");
    EXPECT_EQ(MUST(check_driver(wanted("macvlan"))), "macvlan");
    EXPECT_EQ(check_driver(wanted("host")).error().kind(), ErrorKind::forbidden);
    EXPECT_EQ(check_driver(wanted("nope")).error().message(), "plugin \"nope\" not found");
    EXPECT_EQ(check_driver(wanted("overlay")).error().kind(), ErrorKind::unavailable);
    EXPECT_EQ(MUST(check_driver(wanted("overlay", {{"peers", "192.0.2.1"}}))), "overlay");
}

TEST(NetworkPlan, SettingsAloneHaveNoOperatorsFields) {
    model::NetworkRequest request = wanted("macvlan");
    request.config_only = true;
    EXPECT_TRUE(check_configuration(request).ok());
    EXPECT_EQ(MUST(check_driver(request)), "null");
    request.internal = true;
    EXPECT_EQ(check_configuration(request).error().kind(), ErrorKind::forbidden);
    request.internal = false;
    request.config_from = "other";
    EXPECT_EQ(check_configuration(request).error().message(),
              "a configuration network cannot depend on another configuration network");
}

TEST(NetworkPlan, ThoseWithSettingsFromAnotherHaveNone) {
    model::NetworkRequest request = wanted("macvlan");
    request.config_from = "other";
    EXPECT_TRUE(check_configuration(request).ok());
    request.labels = {{"a", "b"}};
    EXPECT_FALSE(check_configuration(request).ok());
    request.labels = {};
    request.options = {{"parent", "eth0"}};
    EXPECT_EQ(check_configuration(request).error().message(),
              "network driver options are not supported if the network depends on a configuration network");
}

TEST(NetworkPlan, SeveralPoolsMayNotOverlap) {
    model::NetworkRequest request = wanted("bridge");
    request.ipam.config = {{"10.1.0.0/16", "", "", {}}, {"10.2.0.0/16", "", "", {}}};
    EXPECT_TRUE(check_request(request, "bridge").ok());
    request.ipam.config[1].subnet = "10.1.4.0/24";
    EXPECT_EQ(check_request(request, "bridge").error().message(),
              "multiple overlapping subnet configuration is not supported");
    request.ipam.config[1].subnet = "";
    EXPECT_FALSE(check_request(request, "bridge").ok());
}

TEST(NetworkPlan, WithoutAParentNothingLeadsOut) {
    model::NetworkRecord record;
    record.id = std::string(64, 'a');
    record.driver = "macvlan";
    EXPECT_EQ(device_of(record), "dm-aaaaaaaaaaaa");
    EXPECT_TRUE(is_isolated(record));
    record.options["parent"] = "eth0.10";
    EXPECT_EQ(device_of(record), "eth0.10");
    EXPECT_FALSE(is_isolated(record));
}

TEST(OverlayPlan, EachMachineHasItsPartOfTheSubnet) {
    const std::map<std::string, std::string> options = {{"peers", "192.0.2.9,192.0.2.1, 192.0.2.5"}};
    const OverlayPlan one = MUST(plan_overlay("n", options, {ip("127.0.0.1"), ip("192.0.2.9")}));
    const OverlayPlan two = MUST(plan_overlay("n", options, {ip("192.0.2.1")}));
    EXPECT_EQ(one.tunnel.vni, two.tunnel.vni);
    EXPECT_NE(one.tunnel.vni, MUST(plan_overlay("m", options, {ip("192.0.2.1")})).tunnel.vni);
    EXPECT_EQ(one.tunnel.peers, (std::vector{ip("192.0.2.1"), ip("192.0.2.5")}));
    const net::SubnetPlan whole{.address = prefix("10.1.0.1/24")};
    EXPECT_EQ(one.part_of(whole).address.str(), "10.1.0.1/24");
    EXPECT_EQ(one.part_of(whole).range->str(), "10.1.0.0/28");
    EXPECT_EQ(two.part_of(whole).address.str(), "10.1.0.17/24");
    EXPECT_EQ(two.part_of(whole).range->str(), "10.1.0.16/28");
}

TEST(OverlayPlan, AListOfTheOthersServesWithALocalAddress) {
    const OverlayPlan plan = MUST(plan_overlay("n", {{"peers", "192.0.2.1"}, {"local", "192.0.2.7"}}, {}));
    EXPECT_EQ(plan.tunnel.peers, std::vector{ip("192.0.2.1")});
    EXPECT_EQ(plan.place, 1u);
}

TEST(OverlayPlan, RefusesWhatMakesNoNetwork) {
    const std::vector own{ip("192.0.2.1")};
    EXPECT_FALSE(plan_overlay("n", {{"peers", "192.0.2.2"}}, own).ok()) << "this machine isn't in the list";
    EXPECT_FALSE(plan_overlay("n", {{"peers", "192.0.2.1,fd00::1"}}, own).ok());
    EXPECT_FALSE(plan_overlay("n", {{"peers", "localhost"}}, own).ok());
    EXPECT_FALSE(plan_overlay("n", {{"peers", " , # none"}}, own).ok());
    EXPECT_FALSE(plan_overlay("n", {{"peers-file", "/nonexistent"}}, own).ok());
    model::NetworkRequest request = wanted("overlay", {{"peers", "192.0.2.1"}, {"vni", "7"}});
    EXPECT_FALSE(check_request(request, "overlay").ok()) << "no subnet";
    request.ipam.config = {{"10.1.0.0/24", "", "", {}}};
    EXPECT_TRUE(check_request(request, "overlay").ok());
    request.options["vni"] = "16777216";
    EXPECT_FALSE(check_request(request, "overlay").ok());
    request.options["vni"] = "7";
    request.ipam.config[0].subnet = "10.1.0.0/28";
    EXPECT_FALSE(check_request(request, "overlay").ok()) << "too small to share";
}

} // namespace
} // namespace hull::engine
