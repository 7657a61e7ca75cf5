#include "engine/events.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::engine {
namespace {

Event event(std::string action, int64_t second = 0) {
    return {.type = "container",
            .action = std::move(action),
            .actor = std::string(64, 'a'),
            .attributes = {{"name", "web"}, {"image", "nginx:1"}, {"tier", "front"}},
            .time = WallTime{second * 1'000'000'000}};
}

TEST(Events, ReachSubscribersInOrder) {
    EventBus bus;
    auto subscription = bus.subscribe({}, std::nullopt, std::nullopt);
    bus.publish(event("create"));
    bus.publish(event("start"));
    EXPECT_EQ(subscription->next({})->action, "create");
    EXPECT_EQ(subscription->next({})->action, "start");
    EXPECT_FALSE(subscription->ready());
    EXPECT_EQ(bus.subscribers(), 1);
    subscription.reset();
    EXPECT_EQ(bus.subscribers(), 0);
}

TEST(Events, AreReplayedBetweenSinceAndUntil) {
    EventBus bus;
    for (int second = 1; second <= 5; ++second) bus.publish(event("e" + std::to_string(second), second));
    auto subscription = bus.subscribe({}, WallTime{2'000'000'000}, WallTime{4'000'000'000});
    std::vector<std::string> actions;
    while (auto one = subscription->next({})) actions.push_back(one->action);
    EXPECT_THAT(actions, testing::ElementsAre("e2", "e3", "e4"));
}

TEST(Events, UntilInTheFutureEndsTheWait) {
    EventBus bus;
    auto subscription = bus.subscribe({}, std::nullopt, WallTime{wall_now().ns + 20'000'000});
    EXPECT_FALSE(subscription->next({}));
}

TEST(Events, CloseAndStopEndTheWait) {
    EventBus bus;
    auto subscription = bus.subscribe({}, std::nullopt, std::nullopt);
    std::stop_source leaving;
    std::thread other([&] { leaving.request_stop(); });
    EXPECT_FALSE(subscription->next(leaving.get_token()));
    other.join();
    bus.close();
    EXPECT_FALSE(subscription->next({}));
}

TEST(Events, Match) {
    auto match = [](const char* name, const char* value, const char* action = "start") {
        Filters filters;
        filters.add(name, value);
        return matches(event(action), filters);
    };
    EXPECT_TRUE(match("event", "start"));
    EXPECT_FALSE(match("event", "die"));
    EXPECT_TRUE(match("event", "exec_create", "exec_create: ls"));
    EXPECT_TRUE(match("event", "health_status: healthy", "health_status: healthy"));
    EXPECT_TRUE(match("container", "web"));
    EXPECT_TRUE(match("container", "aaaaaaaaaaaa"));
    EXPECT_TRUE(match("container", "we"));
    EXPECT_FALSE(match("container", "other"));
    EXPECT_FALSE(match("network", "bridge"));
    EXPECT_TRUE(match("scope", "local"));
    EXPECT_FALSE(match("scope", "swarm"));
    EXPECT_TRUE(match("image", "nginx"));
    EXPECT_TRUE(match("image", "nginx:1"));
    EXPECT_FALSE(match("image", "redis"));
    EXPECT_TRUE(match("label", "tier=front"));
    EXPECT_FALSE(match("label", "tier=back"));
    EXPECT_TRUE(match("type", "container"));
    EXPECT_FALSE(match("type", "image"));
    Filters odd;
    odd.add("colour", "red");
    EXPECT_EQ(EventBus::check(odd).error().kind(), ErrorKind::invalid_argument);
}

} // namespace
} // namespace hull::engine
