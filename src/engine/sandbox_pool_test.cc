#include "engine/sandbox_pool.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "engine/test_namespaces.h"
#include "net/test_network.h"

namespace hull::engine {
namespace {

class SandboxPoolTest : public net::test::PrivateNetwork {
protected:
    SandboxPoolTest() {
        net::BridgeConfig config;
        config.owner = "/var/lib/test";
        config.address = MUST(net::Prefix::parse("172.17.0.1/16"));
        bridge_ = MUST(net::Bridge::create(config));
        ids_ = MUST(IdPool::create());
    }
    // The pool's threads open their sockets themselves: they start in the
    // namespace of the thread that starts them.
    static bool becomes_ready(const SandboxPool& pool, SandboxNetwork network, size_t count) {
        for (int i = 0; i < 1000; ++i) {
            if (pool.ready(network) == count) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    test::Namespaces runtime_;
    std::unique_ptr<net::Bridge> bridge_;
    std::unique_ptr<IdPool> ids_;
};

TEST_F(SandboxPoolTest, FillsItselfAndRefillsWhatWasTaken) {
    SandboxPool pool({.bridge = 3, .none = 1}, runtime_, *ids_, bridge_.get());
    pool.start();
    ASSERT_TRUE(becomes_ready(pool, SandboxNetwork::bridge, 3));
    ASSERT_TRUE(becomes_ready(pool, SandboxNetwork::none, 1));
    const auto taken = MUST(pool.take(SandboxNetwork::bridge));
    EXPECT_TRUE(taken.link.has_value());
    EXPECT_EQ(taken.ids.first, 0x70000000u);
    EXPECT_TRUE(runtime_.mapped);
    EXPECT_FALSE(MUST(pool.take(SandboxNetwork::none)).link.has_value());
    EXPECT_TRUE(becomes_ready(pool, SandboxNetwork::bridge, 3));
    EXPECT_TRUE(becomes_ready(pool, SandboxNetwork::none, 1));
    EXPECT_EQ(ids_->in_use(), 6u);
}

TEST_F(SandboxPoolTest, GivesLinksThatConnectInOrder) {
    SandboxPool pool({.bridge = 2, .none = 0}, runtime_, *ids_, bridge_.get());
    pool.start();
    ASSERT_TRUE(becomes_ready(pool, SandboxNetwork::bridge, 2));
    for (const char* expected : {"172.17.0.2", "172.17.0.3"}) {
        auto taken = MUST(pool.take(SandboxNetwork::bridge));
        EXPECT_EQ(MUST(bridge_->connect(*std::move(taken.link))).ip.str(), expected);
    }
}

TEST_F(SandboxPoolTest, MakesOneWhenEmpty) {
    SandboxPool pool({.bridge = 0, .none = 0}, runtime_, *ids_, bridge_.get());
    pool.start();
    EXPECT_TRUE(MUST(pool.take(SandboxNetwork::bridge)).link.has_value());
    EXPECT_EQ(runtime_.made, 1);
}

TEST_F(SandboxPoolTest, NeverPoolsTheHostsUserNamespace) {
    SandboxPool pool({.bridge = 1, .none = 0}, runtime_, *ids_, bridge_.get());
    pool.start();
    ASSERT_TRUE(becomes_ready(pool, SandboxNetwork::bridge, 1));
    const auto taken = MUST(pool.take(SandboxNetwork::bridge, SandboxUsers::host));
    EXPECT_TRUE(taken.ids.empty());
    EXPECT_FALSE(runtime_.mapped);
    EXPECT_EQ(pool.ready(SandboxNetwork::bridge), 1u);
}

TEST_F(SandboxPoolTest, SaysSoWhenThereIsNoBridge) {
    SandboxPool pool({}, runtime_, *ids_, nullptr);
    const auto refused = pool.take(SandboxNetwork::bridge);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::unsupported);
    EXPECT_TRUE(pool.take(SandboxNetwork::none).ok());
}

TEST_F(SandboxPoolTest, ReturnsTheIdsOfWhatFailed) {
    SandboxPool pool({}, runtime_, *ids_, bridge_.get());
    runtime_.failing = true;
    EXPECT_FALSE(pool.take(SandboxNetwork::bridge).ok());
    EXPECT_EQ(ids_->in_use(), 0u);
    runtime_.failing = false;
    EXPECT_TRUE(pool.take(SandboxNetwork::bridge).ok());
}

TEST_F(SandboxPoolTest, LeavesNothingWhenItEnds) {
    {
        SandboxPool pool({.bridge = 4, .none = 2}, runtime_, *ids_, bridge_.get());
        pool.start();
        ASSERT_TRUE(becomes_ready(pool, SandboxNetwork::bridge, 4));
    }
    EXPECT_EQ(ids_->in_use(), 0u);
    bridge_->drain();
    EXPECT_TRUE(bridge_->remove().ok()) << "no link is left on the bridge";
}

} // namespace
} // namespace hull::engine
