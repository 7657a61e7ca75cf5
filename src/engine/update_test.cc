#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::HasSubstr;

class UpdateTest : public EngineTest {
protected:
    Result<std::vector<std::string>> update(const ContainerId& id, const model::HostConfig& changes) {
        return containers_->update(id.str(), changes, {});
    }
    static constexpr int64_t mib = 1 << 20;
};

TEST_F(UpdateTest, ARunningContainerHasItsNewLimitsAtOnceAndKeepsThem) {
    ContainerId id = run("c1");
    model::HostConfig changes;
    changes.memory = 100 * mib;
    changes.memory_swap = 200 * mib;
    changes.nano_cpus = 500'000'000;
    changes.cpu_shares = 512;
    changes.pids_limit = 50;
    changes.blkio_weight = 300;
    changes.restart_policy = {"on-failure", 3};
    ASSERT_TRUE(update(id, changes).ok());
    ASSERT_EQ(runtime_.updates.size(), 1u);
    const auto& limits = runtime_.updates[0].second;
    EXPECT_EQ(limits.memory->limit, 100 * mib);
    EXPECT_EQ(limits.memory->swap, 200 * mib);
    EXPECT_EQ(limits.cpu->quota, 50000);
    EXPECT_EQ(limits.pids_limit, 50);
    EXPECT_EQ(limits.block_io->weight, 300);
    EXPECT_TRUE(limits.devices.empty());
    restart();
    auto view = inspect(id);
    EXPECT_EQ(view.host_config.memory, 100 * mib);
    EXPECT_EQ(view.host_config.cpu_shares, 512);
    EXPECT_EQ(view.host_config.restart_policy.name, "on-failure");
    EXPECT_EQ(view.host_config.restart_policy.maximum_retry_count, 3);
    EXPECT_EQ(view.name, "c1");
}

TEST_F(UpdateTest, WhatIsNotAskedForStays) {
    auto asked = request();
    asked.host_config.memory = 64 * mib;
    asked.host_config.cpu_shares = 100;
    ContainerId id = create("", asked);
    model::HostConfig changes;
    changes.cpuset_cpus = "0";
    ASSERT_TRUE(update(id, changes).ok());
    EXPECT_TRUE(runtime_.updates.empty()); // it doesn't run
    auto view = inspect(id);
    EXPECT_EQ(view.host_config.memory, 64 * mib);
    EXPECT_EQ(view.host_config.cpu_shares, 100);
    EXPECT_EQ(view.host_config.cpuset_cpus, "0");
    EXPECT_EQ(view.host_config.restart_policy.name, "no");
}

TEST_F(UpdateTest, AnUpdateThatFailsChangesNothing) {
    ContainerId id = run();
    runtime_.update_error = Error(ErrorKind::system, "write memory.max: Device or resource busy");
    model::HostConfig changes;
    changes.cpu_shares = 7;
    auto done = update(id, changes);
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.error().message(), HasSubstr("Cannot update container " + id.str() + ": write memory.max"));
    EXPECT_EQ(inspect(id).host_config.cpu_shares, 0);
    EXPECT_EQ(runtime_.updates.size(), 2u); // and back
}

TEST_F(UpdateTest, ConflictsAreToldInDockersWords) {
    auto asked = request();
    asked.host_config.nano_cpus = 500'000'000;
    asked.host_config.memory = 64 * mib;
    asked.host_config.auto_remove = true;
    ContainerId id = create("", asked);
    auto error_of = [&](auto&& fill) {
        model::HostConfig changes;
        fill(changes);
        auto done = update(id, changes);
        return done.ok() ? Error(ErrorKind::internal, "no error") : done.error();
    };
    auto error = error_of([](auto& c) { c.memory = 300 * mib; });
    EXPECT_EQ(error.kind(), ErrorKind::conflict);
    EXPECT_EQ(error.message(), "Cannot update container " + id.str() +
                                   ": Memory limit should be smaller than already set memoryswap limit, update the "
                                   "memoryswap at the same time");
    EXPECT_THAT(error_of([](auto& c) { c.cpu_quota = 5000; }).message(),
                HasSubstr("CPU Quota cannot be updated as NanoCPUs has already been set"));
    EXPECT_THAT(error_of([](auto& c) { c.restart_policy.name = "always"; }).message(),
                HasSubstr("Restart policy cannot be updated because AutoRemove is enabled"));
    EXPECT_EQ(error_of([](auto& c) { c.memory = 1000; }).message(), "Minimum memory limit allowed is 6MB");
    EXPECT_THAT(error_of([](auto& c) { c.restart_policy.name = "foo"; }).message(),
                HasSubstr("invalid restart policy"));
    EXPECT_EQ(error_of([](auto& c) { c.ulimits.push_back({}); }).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(error_of([](auto&) {}).message(), "no error");
}

TEST_F(UpdateTest, IsAnEvent) {
    ContainerId id = create("c1");
    auto events = engine_->events().subscribe({}, std::nullopt, std::nullopt);
    ASSERT_TRUE(update(id, {}).ok());
    ASSERT_TRUE(events->ready());
    EXPECT_EQ(events->next({})->action, "update");
}

} // namespace
} // namespace hull::engine
