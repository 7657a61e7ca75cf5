#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;

class HealthTest : public EngineTest {
protected:
    static constexpr int64_t kMs = 1'000'000;
    static model::CreateRequest with_check() {
        auto asked = request();
        asked.config.healthcheck = model::Healthcheck{
            .test = {"CMD-SHELL", "check me"}, .interval = 5 * kMs, .timeout = 1000 * kMs, .retries = 2};
        return asked;
    }
    HealthStatus health(const ContainerId& id) { return inspect(id).state.health->status; }
};

TEST_F(HealthTest, BecomesHealthyAndUnhealthyByItsProbes) {
    host_.captured = "fine";
    runtime_.execs_end_with = 0;
    auto events = engine_->events().subscribe({}, std::nullopt, std::nullopt);
    ContainerId id = run("", with_check());
    EXPECT_TRUE(eventually([&] { return health(id) == HealthStatus::healthy; }));
    EXPECT_EQ(inspect(id).state.health->log.at(0).output, "fine");
    EXPECT_EQ(runtime_.execs.begin()->second.args, (std::vector<std::string>{"/bin/sh", "-c", "check me"}));
    runtime_.execs_end_with = 1;
    EXPECT_TRUE(eventually([&] { return health(id) == HealthStatus::unhealthy; }));
    EXPECT_GE(inspect(id).state.health->failing_streak, 2);
    EXPECT_LE(inspect(id).state.health->log.size(), 5U);
    std::vector<std::string> changes;
    while (events->ready())
        if (auto event = events->next({}); event->action.starts_with("health_status")) changes.push_back(event->action);
    EXPECT_THAT(changes, testing::ElementsAre("health_status: healthy", "health_status: unhealthy"));
}

TEST_F(HealthTest, FailuresOfTheStartPeriodDontCount) {
    auto asked = with_check();
    asked.config.healthcheck->start_period = 3'600'000 * kMs;
    asked.config.healthcheck->start_interval = 2 * kMs;
    runtime_.execs_end_with = 1;
    ContainerId id = run("", asked);
    EXPECT_TRUE(eventually([&] { return inspect(id).state.health->log.size() >= 3; }));
    EXPECT_EQ(health(id), HealthStatus::starting);
}

TEST_F(HealthTest, IsOnlyThereWhenConfigured) {
    EXPECT_FALSE(inspect(run()).state.health);
    auto asked = with_check();
    asked.config.healthcheck->test = {"NONE"};
    EXPECT_FALSE(inspect(run("", asked)).state.health);
}

TEST_F(HealthTest, AProbeThatHangsIsKilled) {
    auto asked = with_check();
    asked.config.healthcheck->timeout = 10 * kMs;
    ContainerId id = run("", asked); // its execs don't end
    EXPECT_TRUE(eventually([&] { return host_.has_killed(); }));
    EXPECT_TRUE(eventually([&] { return !inspect(id).state.health->log.empty(); }));
    EXPECT_EQ(inspect(id).state.health->log.at(0).exit_code, -1);
}

} // namespace
} // namespace hull::engine
