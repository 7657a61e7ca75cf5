#include <fstream>

#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::ElementsAre;

// What a new engine makes of what an earlier one left (kill -9 at any point).
class RecoveryTest : public EngineTest {};

TEST_F(RecoveryTest, AdoptsWhatRunsOn) {
    ContainerId id = run("web");
    runtime_.survivors = {{.container = id, .pid = 4242, .started_at = WallTime{5}, .paused = true, .execs = {}}};
    restart();
    ContainerView view = inspect(id);
    EXPECT_EQ(view.name, "web");
    EXPECT_EQ(view.state.status, Status::paused);
    EXPECT_EQ(view.state.pid, 4242);
    ASSERT_EQ(sandboxes_.recovered.size(), 1U);
    EXPECT_EQ(sandboxes_.recovered[0].ids.first, 0x70000000U);
    EXPECT_EQ(sandboxes_.recovered[0].endpoint->ip_address, "172.17.0.2");
    runtime_.end(id, 0);
    EXPECT_EQ(status(id), Status::exited);
}

TEST_F(RecoveryTest, TakesTheExitCodeOfWhatEndedMeanwhile) {
    ContainerId id = run();
    ExitRecord record;
    record.container = id;
    record.exit_code = 42;
    record.finished_at = WallTime{1'700'000'000'000'000'000};
    runtime_.ended_meanwhile = {record};
    restart();
    EXPECT_EQ(status(id), Status::exited);
    EXPECT_EQ(inspect(id).state.exit_code, 42);
    EXPECT_EQ(sandboxes_.endpoints_out, 0); // what it held is given back
}

TEST_F(RecoveryTest, SaysSoWhenTheEndIsNotKnown) {
    ContainerId id = run();
    restart();
    ContainerView view = inspect(id);
    EXPECT_EQ(view.state.status, Status::exited);
    EXPECT_EQ(view.state.exit_code, 255);
    EXPECT_FALSE(view.state.error.empty());
}

TEST_F(RecoveryTest, SweepsFoldersWithoutRecord) {
    std::string orphan(64, 'f');
    std::filesystem::create_directories(root_ / "containers" / orphan / "upper");
    restart();
    EXPECT_FALSE(std::filesystem::exists(root_ / "containers" / orphan));
    EXPECT_THAT(runtime_.cleaned, testing::Contains("/hull/" + orphan));
}

// Its end is written down before its cgroup goes.
TEST_F(RecoveryTest, FinishesTheCleaningUpOfWhatEnded) {
    ContainerId id = run("ended");
    runtime_.end(id, 0);
    EXPECT_TRUE(eventually([&] { return status(id) == Status::exited; }));
    EXPECT_TRUE(eventually([&] { return !runtime_.cleaned.empty(); }));
    runtime_.cleaned.clear();
    restart();
    EXPECT_THAT(runtime_.cleaned, testing::Contains("/hull/" + id.str()));
}

TEST_F(RecoveryTest, LeavesARunningContainerAloneWhoseRecordItCantRead) {
    ContainerId id{std::string(64, 'c')};
    ASSERT_TRUE(records_->put(store::Table::containers, id.str(), "{broken").ok());
    runtime_.survivors = {{.container = id, .pid = 1, .started_at = {}, .paused = false, .execs = {}}};
    runtime_.running.insert(id.str());
    restart();
    EXPECT_TRUE(runtime_.signals.empty());
}

TEST_F(RecoveryTest, RemovesAnAutoRemoveContainerThatEndedMeanwhile) {
    auto asked = request();
    asked.host_config.auto_remove = true;
    ContainerId id = run("", asked);
    ExitRecord record;
    record.container = id;
    runtime_.ended_meanwhile = {record};
    restart();
    EXPECT_EQ(containers_->inspect(id.str(), false).error().kind(), ErrorKind::not_found);
}

TEST_F(RecoveryTest, StartsWhatItsPolicyWants) {
    auto asked = request();
    asked.host_config.restart_policy.name = "unless-stopped";
    ContainerId stays = run("stays", asked), stopped = run("stopped", asked);
    ASSERT_TRUE(containers_->stop("stopped", 0, "").ok());
    runtime_.running.clear();
    restart();
    EXPECT_TRUE(eventually([&] { return status(stays) == Status::running; }));
    EXPECT_EQ(status(stopped), Status::exited);
}

TEST_F(RecoveryTest, WhatTheMachinesEndStoppedIsStartedAgainByItsPolicy) {
    auto asked = request();
    asked.host_config.restart_policy.name = "unless-stopped";
    ContainerId stays = run("stays", asked), stopped = run("stopped", asked), once = run("once", request());
    ASSERT_TRUE(containers_->stop("stopped", 0, "").ok());
    engine_->stop_containers();
    EXPECT_EQ(status(stays), Status::exited);
    EXPECT_EQ(status(once), Status::exited);
    runtime_.running.clear();
    restart();
    EXPECT_TRUE(eventually([&] { return status(stays) == Status::running; }));
    EXPECT_EQ(status(stopped), Status::exited);
    EXPECT_EQ(status(once), Status::exited);
}

// The record of a container reached the disk before the power was cut, its folder didn't.
TEST_F(RecoveryTest, AfterABootAContainerWithoutAFolderGetsAnEmptyOne) {
    const std::string boot = "/proc/sys/kernel/random/boot_id";
    host_.put(boot, "one\n");
    restart();
    ContainerId lost = create("lost"), kept = create("kept");
    auto folder = [&](const ContainerId& id) { return root_ / "containers" / id.str(); };
    std::filesystem::remove_all(folder(lost));
    std::ofstream(folder(kept) / "upper/file") << "kept";
    host_.kinds[folder(kept) / "upper"] = PathKind::directory;
    restart();
    EXPECT_FALSE(std::filesystem::exists(folder(lost))) << "the same boot: it was no power cut";
    host_.put(boot, "two\n");
    restart();
    EXPECT_TRUE(std::filesystem::exists(folder(lost) / "upper"));
    EXPECT_TRUE(std::filesystem::exists(folder(kept) / "upper/file"));
}

TEST_F(RecoveryTest, EndsContainersThatAreNotOnRecord) {
    ContainerId unknown{std::string(64, 'd')};
    runtime_.survivors = {{.container = unknown, .pid = 1, .started_at = {}, .paused = false, .execs = {}}};
    runtime_.running.insert(unknown.str());
    restart();
    EXPECT_THAT(runtime_.signals, ElementsAre(9));
}

TEST_F(RecoveryTest, KeepsGoingOverABrokenRecord) {
    ContainerId id = create("good");
    ASSERT_TRUE(records_->put(store::Table::containers, std::string(64, 'c'), "{broken").ok());
    restart();
    EXPECT_EQ(status(id), Status::created);
}

TEST_F(RecoveryTest, KeepsItsId) {
    std::string before = engine_->info().id;
    restart();
    EXPECT_EQ(engine_->info().id, before);
    EXPECT_EQ(before.size(), 36U);
}

TEST_F(RecoveryTest, AnImageInUseIsNotDeleted) {
    create();
    auto removed = engine_->images().remove("busybox", {});
    ASSERT_FALSE(removed.ok());
    EXPECT_EQ(removed.error().kind(), ErrorKind::conflict);
}

} // namespace
} // namespace hull::engine
