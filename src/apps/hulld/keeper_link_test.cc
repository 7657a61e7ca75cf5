// The link and a real keeper process (with shells for containers) that is
// killed in the midst of everything.
#include "keeper_link.h"

#include <atomic>
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/random.h"
#include "sys/file.h"
#include "sys/self.h"

namespace hull {
namespace {

using keeper::TaskKey;
constexpr auto patience = std::chrono::seconds(20);

class KeeperLinkTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(sys::become_subreaper().ok());
        folder = std::filesystem::temp_directory_path() / ("hull-link-test-" + random_hex(12));
        std::filesystem::create_directories(folder);
        start();
    }
    void TearDown() override {
        for (const TaskKey& key : started) (void)link->signal(key, SIGKILL);
        stop();
        // It has nothing left to do, so it goes.
        for (int i = 0; i < 1000 && keeper_pid() != 0; ++i) {
            while (::waitpid(-1, nullptr, WNOHANG) > 0) {}
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        EXPECT_EQ(keeper_pid(), 0);
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {}
        std::filesystem::remove_all(folder);
    }
    void start() {
        loop = MUST(event::Loop::create());
        loop_thread = std::thread([this] { (void)loop->run(); });
        link = std::make_unique<KeeperLink>(KeeperLinkOptions{folder, HULL_FAKE_KEEPER}, *loop);
        auto found = link->start([this](const keeper::ExitReport& report) {
            std::lock_guard lock(mutex);
            ends[report.key].push_back(report);
            changed.notify_all();
        });
        ASSERT_TRUE(found.ok()) << found.error().message();
        survivors = std::move(*found);
        link->deliver();
    }
    void stop() {
        loop->stop();
        loop_thread.join();
        link.reset();
    }
    Result<keeper::Launched> launch(const std::string& name, const std::string& command) {
        keeper::Launch request;
        request.record.key = {name, ""};
        request.plan = command;
        auto launched = link->launch(request, {}, {});
        std::lock_guard lock(mutex);
        if (launched.ok()) started.push_back(request.record.key);
        return launched;
    }
    // As KeeperRuntime does when a keeper dies meanwhile.
    void launch_until_ok(const std::string& name, const std::string& command) {
        for (;;) {
            auto launched = launch(name, command);
            if (launched.ok()) return;
            ASSERT_EQ(launched.error().kind(), ErrorKind::unavailable) << launched.error().message();
            ASSERT_TRUE(link->settle({name, ""}).ok());
        }
    }
    keeper::ExitReport wait_end(const std::string& name) {
        std::unique_lock lock(mutex);
        TaskKey key{name, ""};
        if (!changed.wait_for(lock, patience, [&] { return ends.contains(key); })) {
            ADD_FAILURE() << "no end of " << name;
            return {};
        }
        EXPECT_EQ(ends[key].size(), 1u);
        return ends[key].front();
    }
    // Only ours: by its socket's folder in its arguments.
    pid_t keeper_pid() {
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::string name = entry.path().filename();
            if (name[0] < '1' || name[0] > '9') continue;
            auto line = sys::read_file(entry.path().string() + "/cmdline");
            if (line.ok() && line->starts_with("hull-keeper") && line->find(folder) != std::string::npos)
                return std::stoi(name);
        }
        return 0;
    }
    void kill_keeper() {
        if (pid_t pid = keeper_pid()) ::kill(pid, SIGKILL);
    }

    std::string folder;
    std::unique_ptr<event::Loop> loop;
    std::thread loop_thread;
    std::unique_ptr<KeeperLink> link;
    std::vector<keeper::TaskRecord> survivors;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<TaskKey, std::vector<keeper::ExitReport>> ends;
    std::vector<TaskKey> started;
};

TEST_F(KeeperLinkTest, TellsAnEndOnce) {
    ASSERT_TRUE(launch("a", "exit 3").ok());
    EXPECT_EQ(wait_end("a").code, 3);
    EXPECT_FALSE(link->find({"a", ""}));
    EXPECT_EQ(link->signal({"a", ""}, SIGTERM).error().kind(), ErrorKind::conflict);
}

TEST_F(KeeperLinkTest, TasksOutliveTheirKeeperAndEndKnown) {
    auto launched = launch("a", "sleep 0.5; exit 21");
    ASSERT_TRUE(launched.ok());
    ASSERT_TRUE(launch("b", "exec sleep 100").ok());
    for (int i = 0; i < 3; ++i) {
        kill_keeper();
        launch_until_ok("new" + std::to_string(i), "exit 1");
        EXPECT_EQ(wait_end("new" + std::to_string(i)).code, 1);
    }
    auto end = wait_end("a");
    EXPECT_TRUE(end.known);
    EXPECT_EQ(end.code, 21);
    EXPECT_TRUE(link->find({"b", ""}));
    ASSERT_TRUE(link->signal({"b", ""}, SIGTERM).ok());
    EXPECT_EQ(wait_end("b").code, 143);
}

TEST_F(KeeperLinkTest, ALaunchCutOffIsSettledAndCanBeTriedAgain) {
    std::atomic<int> unexpected = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 15; ++i) {
                std::string name = "t" + std::to_string(t) + "-" + std::to_string(i);
                launch_until_ok(name, "exit 5");
                if (wait_end(name).code != 5) ++unexpected;
            }
        });
    for (int i = 0; i < 8; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(40));
        kill_keeper();
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(unexpected, 0);
    // Every end was acknowledged to the last keeper.
    auto left = [&](const char* kind) { return sys::list_dir(folder + kind)->size(); };
    for (int i = 0; i < 500 && left("/exits") + left("/containers") > 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(left("/exits"), 0u);
    EXPECT_EQ(left("/containers"), 0u);
}

TEST_F(KeeperLinkTest, TheNextHulldFindsWhatRunsAndWhatEnded) {
    ASSERT_TRUE(launch("runs", "exec sleep 100").ok());
    ASSERT_TRUE(launch("ends", "sleep 0.2; exit 9").ok());
    stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    start();
    ASSERT_EQ(survivors.size(), 1u);
    EXPECT_EQ(survivors[0].key.container, "runs");
    auto end = wait_end("ends");
    EXPECT_TRUE(end.known);
    EXPECT_EQ(end.code, 9);
    ASSERT_TRUE(link->signal({"runs", ""}, SIGKILL).ok());
    EXPECT_EQ(wait_end("runs").code, 137);
}

} // namespace
} // namespace hull
