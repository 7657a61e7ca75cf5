// A bounded pool of threads: work that may block, off the event loop. Threads
// start when work comes and none is free, up to the limit, and end when idle.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace hull::event {

class WorkerPool {
public:
    struct Limits {
        size_t threads = 64;
        size_t queued = 4096;     // tasks waiting for a thread
        int64_t idle_ms = 10'000; // after which a thread without work ends
    };
    explicit WorkerPool(Limits limits) : limits_(limits) {}
    // Runs what is queued to its end, then joins.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // False: the queue is full or the pool is ending; task was not taken.
    // Thread-safe. Tasks must not throw.
    [[nodiscard]] bool submit(std::function<void()> task);
    // Until no task is queued or running.
    void wait_idle();
    size_t threads() const;

private:
    void work();

    const Limits limits_;
    mutable std::mutex mutex_;
    std::condition_variable work_came_, changed_;
    std::deque<std::function<void()>> queue_;
    size_t threads_ = 0, free_ = 0;
    bool ending_ = false;
};

} // namespace hull::event
