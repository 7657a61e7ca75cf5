#include <gtest/gtest.h>

#include "engine/sandbox_port.h"
#include "engine/test_namespaces.h"
#include "net/test_network.h"

namespace hull::engine {
namespace {

class BridgeSandboxesTest : public net::test::PrivateNetwork {
protected:
    BridgeSandboxesTest() { restart(); }

    // As after kill -9 of the engine: what containers hold stays on the machine.
    void restart(const SandboxPoolConfig& pool = {.bridge = 2, .none = 1}) {
        sandboxes_.reset();
        bridge_.reset();
        net::BridgeConfig config;
        config.owner = "/var/lib/test";
        config.address = MUST(net::Prefix::parse("172.17.0.1/16"));
        bridge_ = MUST(net::Bridge::create(config));
        sandboxes_ = MUST(make_bridge_sandboxes(runtime_, bridge_.get(), {}, pool));
    }
    static HeldSandbox held(const TakenSandbox& taken) { return {taken.ids, taken.endpoint}; }

    test::Namespaces runtime_;
    std::unique_ptr<net::Bridge> bridge_;
    std::unique_ptr<SandboxPort> sandboxes_;
};

TEST_F(BridgeSandboxesTest, JoinsASandboxToTheBridge) {
    ASSERT_TRUE(sandboxes_->recover({}).ok());
    const auto taken = MUST(sandboxes_->take(SandboxNetwork::bridge, SandboxUsers::own, {}));
    ASSERT_TRUE(taken.endpoint.has_value());
    EXPECT_EQ(taken.endpoint->gateway, "172.17.0.1");
    EXPECT_EQ(taken.endpoint->prefix_length, 16);
    EXPECT_EQ(taken.endpoint->endpoint_id.size(), 64u);
    EXPECT_EQ(taken.endpoint->network_id, sandboxes_->network_id());
    EXPECT_EQ(taken.ids.count, 65536u);
    EXPECT_EQ(sandboxes_->host_gateway(), "172.17.0.1");
}

TEST_F(BridgeSandboxesTest, GivesNoEndpointWithoutNetwork) {
    const auto taken = MUST(sandboxes_->take(SandboxNetwork::none, SandboxUsers::host, {}));
    EXPECT_FALSE(taken.endpoint.has_value());
    EXPECT_TRUE(taken.ids.empty());
}

TEST_F(BridgeSandboxesTest, KeepsItsNetworkIdOverRestarts) {
    const std::string before = sandboxes_->network_id();
    EXPECT_EQ(before.size(), 64u);
    restart();
    EXPECT_EQ(sandboxes_->network_id(), before);
}

TEST_F(BridgeSandboxesTest, TakesOverWhatRunningContainersHold) {
    const auto running = MUST(sandboxes_->take(SandboxNetwork::bridge, SandboxUsers::own, {"172.17.0.2", ""}));
    restart({.bridge = 0, .none = 0}); // links that wait hold addresses, too
    ASSERT_TRUE(sandboxes_->recover({held(running)}).ok());
    const auto next = MUST(sandboxes_->take(SandboxNetwork::bridge, SandboxUsers::own, {}));
    EXPECT_NE(next.endpoint->ip_address, running.endpoint->ip_address);
    EXPECT_NE(next.ids, running.ids);
    sandboxes_->release(held(running));
    bridge_->drain();
    EXPECT_TRUE(sandboxes_->take(SandboxNetwork::bridge, SandboxUsers::own, {"172.17.0.2", ""}).ok());
}

TEST_F(BridgeSandboxesTest, StartsDespiteRecordsThatDoNotFit) {
    EndpointRecord odd;
    odd.ip_address = "not an address";
    EXPECT_TRUE(sandboxes_->recover({{IdRange{7, 65536}, odd}}).ok());
}

TEST_F(BridgeSandboxesTest, LeavesNothingWhenAnAddressIsRefused) {
    for (const SandboxRequest& wish : {SandboxRequest{"10.0.0.1", ""}, SandboxRequest{"nonsense", ""},
                                       SandboxRequest{"", "01:00:5e:00:00:01"}, SandboxRequest{"172.17.0.1", ""}})
        EXPECT_FALSE(sandboxes_->take(SandboxNetwork::bridge, SandboxUsers::own, wish).ok());
    bridge_->drain();
    EXPECT_TRUE(bridge_->remove().ok()) << "nothing is attached";
}

TEST_F(BridgeSandboxesTest, ReleasesTwiceWithoutHarm) {
    const auto taken = MUST(sandboxes_->take(SandboxNetwork::bridge, SandboxUsers::own, {}));
    sandboxes_->release(held(taken));
    sandboxes_->release(held(taken));
    sandboxes_->release({});
    bridge_->drain();
    EXPECT_TRUE(bridge_->remove().ok());
}

} // namespace
} // namespace hull::engine
