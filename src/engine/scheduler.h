// Things to do later: restarts, health probes, forgetting old execs. One thread,
// begun with the first task; tasks run in a worker pool, so they may block.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "event/worker_pool.h"

namespace hull::engine {

class Scheduler {
public:
    explicit Scheduler(event::WorkerPool& workers) : workers_(workers) {}
    ~Scheduler() { stop(); }
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    // Never 0.
    uint64_t after(int64_t delay_ms, std::function<void()> task);
    void cancel(uint64_t timer); // 0, or one that began already: fine
    // No task begins after this. Idempotent.
    void stop();

private:
    void run();

    event::WorkerPool& workers_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::pair<int64_t, uint64_t>, std::function<void()>> tasks_; // by due time (monotonic ns), number
    uint64_t next_ = 1;
    bool stopped_ = false;
    std::thread thread_;
};

} // namespace hull::engine
