#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunnerTest : public EngineTest {};

TEST_F(RunnerTest, RunsAContainerFromCreateToRemoval) {
    ContainerId id = create("box");
    EXPECT_EQ(status(id), Status::created);
    ASSERT_TRUE(containers_->start("box").ok());
    ContainerView view = inspect(id);
    EXPECT_EQ(view.state.status, Status::running);
    EXPECT_GT(view.state.pid, 0);
    EXPECT_EQ(view.network.networks.at("bridge").ip_address, "172.17.0.2");
    EXPECT_EQ(containers_->start("box").error().kind(), ErrorKind::not_modified);

    runtime_.end(id, 3);
    EXPECT_EQ(status(id), Status::exited);
    EXPECT_EQ(inspect(id).state.exit_code, 3);
    EXPECT_TRUE(eventually([&] { return sandboxes_.ranges_out == 0 && sandboxes_.endpoints_out == 0; }));
    ASSERT_TRUE(containers_->remove("box", {}).ok());
    EXPECT_EQ(containers_->inspect("box", false).error().message(), "No such container: box");
    EXPECT_FALSE(std::filesystem::exists(root_ / "containers" / id.str()));
}

TEST_F(RunnerTest, AnEndBeforeLaunchReturnsIsNotLost) {
    runtime_.ends_at_once = 7;
    ContainerId id = run();
    EXPECT_EQ(status(id), Status::exited);
    EXPECT_EQ(inspect(id).state.exit_code, 7);
}

TEST_F(RunnerTest, AFailedStartLeavesNothingBehind) {
    ContainerId id = create();
    runtime_.launch_error = Error(ErrorKind::no_such_program, "exec: \"sh\": executable file not found in $PATH");
    auto started = containers_->start(id.str());
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().kind(), ErrorKind::no_such_program);
    EXPECT_THAT(started.error().message(), HasSubstr("executable file not found in $PATH"));
    EXPECT_EQ(inspect(id).state.exit_code, 127);
    EXPECT_EQ(status(id), Status::created);
    EXPECT_EQ(sandboxes_.ranges_out, 0);
    EXPECT_EQ(sandboxes_.endpoints_out, 0);
    runtime_.launch_error.reset();
    EXPECT_TRUE(containers_->start(id.str()).ok());
}

TEST_F(RunnerTest, AutoRemoveTakesItAwayWhenItEnds) {
    auto asked = request();
    asked.host_config.auto_remove = true;
    ContainerId id = create("gone", asked);
    auto waiter = MUST(containers_->wait("gone", WaitCondition::removed));
    ASSERT_TRUE(containers_->start("gone").ok());
    runtime_.end(id, 5);
    EXPECT_EQ(waiter->get({})->exit_code, 5);
    EXPECT_EQ(containers_->inspect(id.str(), false).error().kind(), ErrorKind::not_found);
    EXPECT_TRUE(MUST(records_->all(store::Table::containers)).empty());
    EXPECT_EQ(sandboxes_.ranges_out, 0);
}

TEST_F(RunnerTest, WaitSeesTheNextExitThoughItWasAskedBeforeTheStart) {
    ContainerId id = create();
    auto waiter = MUST(containers_->wait(id.str(), WaitCondition::next_exit));
    runtime_.ends_at_once = 9;
    ASSERT_TRUE(containers_->start(id.str()).ok());
    EXPECT_EQ(waiter->get({})->exit_code, 9);
    EXPECT_EQ(MUST(containers_->wait(id.str(), WaitCondition::not_running))->get({})->exit_code, 9);
}

TEST_F(RunnerTest, AWaitEndsWhenItsClientLeaves) {
    ContainerId id = run();
    auto waiter = MUST(containers_->wait(id.str(), WaitCondition::not_running));
    std::stop_source leaving;
    leaving.request_stop();
    EXPECT_FALSE(waiter->get(leaving.get_token()));
}

TEST_F(RunnerTest, StopSendsTheStopSignalThenKills) {
    auto asked = request();
    asked.config.stop_signal = "SIGINT";
    ContainerId id = run("", asked);
    runtime_.ignored = {2};
    ASSERT_TRUE(containers_->stop(id.str(), 0, "").ok());
    EXPECT_THAT(runtime_.signals, ElementsAre(2, 9));
    EXPECT_EQ(inspect(id).state.exit_code, 137);
    EXPECT_EQ(containers_->stop(id.str(), 0, "").error().kind(), ErrorKind::not_modified);
    EXPECT_EQ(sandboxes_.ranges_out, 0);
}

TEST_F(RunnerTest, KillOfAStoppedContainerIsAConflict) {
    ContainerId id = create("still");
    auto killed = containers_->kill("still", "KILL");
    EXPECT_EQ(killed.error().kind(), ErrorKind::conflict);
    EXPECT_THAT(killed.error().message(), HasSubstr("is not running"));
    EXPECT_EQ(containers_->kill("still", "NOPE").error().message(), "Invalid signal: NOPE");
}

TEST_F(RunnerTest, PauseAndUnpauseFollowTheTable) {
    ContainerId id = run();
    ASSERT_TRUE(containers_->pause(id.str()).ok());
    EXPECT_EQ(status(id), Status::paused);
    EXPECT_EQ(containers_->pause(id.str()).error().kind(), ErrorKind::conflict);
    EXPECT_EQ(containers_->check_attach(id.str()).error().kind(), ErrorKind::conflict);
    ASSERT_TRUE(containers_->unpause(id.str()).ok());
    EXPECT_EQ(containers_->unpause(id.str()).error().kind(), ErrorKind::conflict);
    EXPECT_EQ(status(id), Status::running);
}

TEST_F(RunnerTest, RemoveNeedsForceWhileItRuns) {
    ContainerId id = run("busy");
    auto removed = containers_->remove("busy", {});
    EXPECT_EQ(removed.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(removed.error().message(), "cannot remove container \"/busy\": container is running: stop the container "
                                         "before removing or force remove");
    ASSERT_TRUE(containers_->remove("busy", {.force = true}).ok());
    EXPECT_EQ(containers_->inspect(id.str(), false).error().kind(), ErrorKind::not_found);
}

TEST_F(RunnerTest, RestartPolicyStartsItAgainUntilItIsStopped) {
    auto asked = request();
    asked.host_config.restart_policy.name = "always";
    ContainerId id = run("", asked);
    runtime_.end(id, 1);
    EXPECT_TRUE(eventually([&] { return runtime_.launch_count == 2 && status(id) == Status::running; }));
    EXPECT_EQ(inspect(id).restart_count, 1);
    ASSERT_TRUE(containers_->stop(id.str(), 1, "").ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    EXPECT_EQ(runtime_.launch_count, 2);
    EXPECT_EQ(status(id), Status::exited);
}

TEST_F(RunnerTest, OnFailureGivesUpAfterItsRetries) {
    auto asked = request();
    asked.host_config.restart_policy = {.name = "on-failure", .maximum_retry_count = 1};
    runtime_.ends_at_once = 1;
    ContainerId id = run("", asked);
    EXPECT_TRUE(eventually([&] { return runtime_.launch_count == 2 && status(id) == Status::exited; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    EXPECT_EQ(runtime_.launch_count, 2);
}

TEST_F(RunnerTest, RestartKeepsAnAutoRemoveContainer) {
    auto asked = request();
    asked.host_config.auto_remove = true;
    ContainerId id = run("", asked);
    ASSERT_TRUE(containers_->restart(id.str(), 1, "").ok());
    EXPECT_EQ(status(id), Status::running);
}

TEST_F(RunnerTest, RenameAndNameConflictsAreWordedAsDockerDoes) {
    ContainerId first = create("one");
    create("two");
    auto clash = containers_->create(request(), {.name = "one", .platform = {}});
    EXPECT_EQ(clash.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(clash.error().message(), "Conflict. The container name \"/one\" is already in use by container \"" +
                                           first.str() +
                                           "\". You have to remove (or rename) that container to be able to reuse "
                                           "that name.");
    EXPECT_EQ(containers_->rename("one", "two").error().kind(), ErrorKind::conflict);
    ASSERT_TRUE(containers_->rename("one", "three").ok());
    EXPECT_TRUE(containers_->inspect("three", false).ok());
    EXPECT_FALSE(containers_->inspect("one", false).ok());
    EXPECT_TRUE(containers_->create(request(), {.name = "one", .platform = {}}).ok());
}

TEST_F(RunnerTest, EventsComeInDockersOrder) {
    auto events = engine_->events().subscribe({}, std::nullopt, std::nullopt);
    auto asked = request();
    asked.host_config.network_mode = "none";
    asked.config.labels["tier"] = "web";
    ContainerId id = run("ev", asked);
    runtime_.end(id, 2);
    ASSERT_TRUE(containers_->remove("ev", {}).ok());
    std::vector<std::string> actions;
    while (events->ready()) {
        Event event = *events->next({});
        actions.push_back(event.action);
        EXPECT_EQ(event.attributes["tier"], "web");
        EXPECT_EQ(event.attributes["name"], "ev");
        if (event.action == "die") {
            EXPECT_EQ(event.attributes["exitCode"], "2");
        }
    }
    EXPECT_THAT(actions, ElementsAre("create", "start", "die", "destroy"));
}

TEST_F(RunnerTest, ManyRemovalsAtOnceLeaveNoFolder) {
    std::vector<ContainerId> ids;
    for (int i = 0; i < 40; ++i) ids.push_back(create());
    std::vector<std::jthread> removers;
    for (const ContainerId& id : ids)
        removers.emplace_back([&, id] { EXPECT_TRUE(containers_->remove(id.str(), {}).ok()); });
    removers.clear();
    EXPECT_TRUE(eventually([&] { return std::filesystem::is_empty(root_ / "containers/.trash"); }));
}

TEST_F(RunnerTest, OomIsShownAndTold) {
    ContainerId id = run();
    runtime_.listener().on_oom(id);
    runtime_.end(id, 137, true);
    EXPECT_TRUE(inspect(id).state.oom_killed);
}

} // namespace
} // namespace hull::engine
