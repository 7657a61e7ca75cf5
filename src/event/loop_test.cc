#include "event/loop.h"

#include <atomic>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/worker_pool.h"
#include "sys/process.h"

namespace hull::event {
namespace {

constexpr int64_t ms = 1'000'000;

class LoopTest : public testing::Test {
protected:
    void SetUp() override {
        int fds[2];
        ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        reading.reset(fds[0]);
        writing.reset(fds[1]);
    }
    void write(const char* text) { ASSERT_GT(::write(writing.get(), text, std::string_view(text).size()), 0); }
    std::string read() {
        char buffer[64];
        ssize_t n = ::read(reading.get(), buffer, sizeof buffer);
        return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
    }
    std::unique_ptr<Loop> loop = MUST(Loop::create());
    UniqueFd reading, writing;
};

TEST_F(LoopTest, CallsTheHandlerWhileThereIsSomethingToRead) {
    std::string got;
    MUST(loop->add(reading, EPOLLIN, [&](uint32_t) { got += read(); }));
    ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_EQ(got, "");
    write("abc");
    ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_EQ(got, "abc");
}

TEST_F(LoopTest, AHandlerMayRemoveItselfAndOthers) {
    int calls = 0;
    UniqueFd other(::dup(reading.get()));
    Watch first, second;
    auto handler = [&](uint32_t) {
        ++calls;
        loop->remove(first);
        loop->remove(second);
    };
    first = MUST(loop->add(reading, EPOLLIN, handler));
    second = MUST(loop->add(other, EPOLLIN, handler));
    write("x");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, ALateEventDoesNotReachTheNextUserOfASlot) {
    UniqueFd other(::dup(reading.get()));
    Watch first, second;
    bool reached = false;
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    UniqueFd quiet(fds[0]), quiet_end(fds[1]);
    auto replace = [&](uint32_t) {
        loop->remove(first);
        loop->remove(second);
        for (int i = 0; i < 2; ++i) (void)loop->add(i == 0 ? quiet : quiet_end, 0, [&](uint32_t) { reached = true; });
    };
    first = MUST(loop->add(reading, EPOLLIN, replace));
    second = MUST(loop->add(other, EPOLLIN, replace));
    write("x");
    ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_FALSE(reached);
}

TEST_F(LoopTest, ChangeSaysWhatIsWaitedFor) {
    int calls = 0;
    Watch watch = MUST(loop->add(reading, 0, [&](uint32_t) { ++calls; }));
    write("x");
    ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(loop->change(watch, EPOLLIN).ok());
    ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, TimersRunInOrderAndOnce) {
    std::string order;
    loop->after(2 * ms, [&] { order += 'b'; });
    loop->after(1 * ms, [&] { order += 'a'; });
    Timer cancelled = loop->after(1 * ms, [&] { order += 'x'; });
    loop->after(3 * ms, [&] { loop->stop(); });
    loop->cancel(cancelled);
    ASSERT_TRUE(loop->run().ok());
    EXPECT_EQ(order, "ab");
    loop->cancel(cancelled);
}

TEST_F(LoopTest, ATimerMaySetAnother) {
    int rounds = 0;
    std::function<void()> again = [&] {
        if (++rounds == 3) return loop->stop();
        loop->after(0, again);
    };
    loop->after(0, again);
    ASSERT_TRUE(loop->run().ok());
    EXPECT_EQ(rounds, 3);
}

TEST_F(LoopTest, OtherThreadsPostAndStop) {
    std::atomic<int> sum = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i)
                loop->post([&] {
                    if (++sum == 400) loop->stop();
                });
        });
    ASSERT_TRUE(loop->run().ok());
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sum, 400);
}

TEST_F(LoopTest, SeesAProcessEndOnce) {
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(3);
    UniqueFd pidfd = MUST(sys::pidfd_open(pid));
    int ends = 0;
    MUST(loop->add_process(pidfd, [&] { ++ends; }));
    for (int i = 0; i < 100 && ends == 0; ++i) ASSERT_TRUE(loop->run_once(100).ok());
    ASSERT_TRUE(loop->run_once(0).ok());
    EXPECT_EQ(ends, 1);
    ::waitpid(pid, nullptr, 0);
}

TEST_F(LoopTest, GetsSignals) {
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    std::vector<int> got;
    ASSERT_TRUE(loop->add_signals({SIGUSR1, SIGUSR2}, [&](int signal) { got.push_back(signal); }).ok());
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
    ASSERT_TRUE(loop->run_once(100).ok());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(got, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(WorkerPool, RunsEverythingWithinItsLimitOfThreads) {
    std::atomic<int> running = 0, most = 0, done = 0;
    {
        WorkerPool pool({.threads = 3, .queued = 100, .idle_ms = 1000});
        for (int i = 0; i < 50; ++i)
            ASSERT_TRUE(pool.submit([&] {
                int now = ++running;
                for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {}
                std::this_thread::sleep_for(std::chrono::microseconds(200));
                --running;
                ++done;
            }));
        pool.wait_idle();
        EXPECT_EQ(done, 50);
    }
    EXPECT_LE(most, 3);
}

TEST(WorkerPool, AFullQueueRefuses) {
    std::mutex gate;
    WorkerPool pool({.threads = 1, .queued = 2, .idle_ms = 1000});
    gate.lock();
    std::atomic<bool> started = false;
    ASSERT_TRUE(pool.submit([&] {
        started = true;
        std::lock_guard lock(gate);
    }));
    while (!started) std::this_thread::yield();
    EXPECT_TRUE(pool.submit([] {}));
    EXPECT_TRUE(pool.submit([] {}));
    EXPECT_FALSE(pool.submit([] {}));
    gate.unlock();
    pool.wait_idle();
}

TEST(WorkerPool, IdleThreadsEndAndComeBack) {
    WorkerPool pool({.threads = 4, .queued = 10, .idle_ms = 10});
    std::atomic<int> done = 0;
    ASSERT_TRUE(pool.submit([&] { ++done; }));
    for (int i = 0; i < 200 && pool.threads() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(pool.threads(), 0u);
    ASSERT_TRUE(pool.submit([&] { ++done; }));
    pool.wait_idle();
    EXPECT_EQ(done, 2);
}

} // namespace
} // namespace hull::event
