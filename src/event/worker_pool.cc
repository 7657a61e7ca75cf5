#include "event/worker_pool.h"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace hull::event {

WorkerPool::~WorkerPool() {
    std::unique_lock lock(mutex_);
    ending_ = true;
    work_came_.notify_all();
    changed_.wait(lock, [&] { return threads_ == 0; });
}

bool WorkerPool::submit(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    if (ending_ || queue_.size() >= limits_.queued) return false;
    queue_.push_back(std::move(task));
    if (queue_.size() > free_ && threads_ < limits_.threads) {
        ++threads_;
        try {
            // Detached: the destructor waits for the count, and a thread that
            // ends by itself leaves nobody who could join it.
            std::thread([this] { work(); }).detach();
        } catch (const std::system_error&) {
            // Too many threads on the machine: those that run will get to it.
            if (--threads_ == 0) {
                queue_.pop_back();
                return false;
            }
        }
    }
    work_came_.notify_one();
    return true;
}

void WorkerPool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++free_;
        work_came_.wait_for(lock, std::chrono::milliseconds(limits_.idle_ms),
                            [&] { return ending_ || !queue_.empty(); });
        --free_;
        if (queue_.empty()) break; // idle for too long, or ending
        auto task = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        task();
        task = nullptr; // what it holds goes before it counts as done
        lock.lock();
        changed_.notify_all();
    }
    --threads_;
    // With the lock held: after it the pool may be gone.
    changed_.notify_all();
}

void WorkerPool::wait_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.empty() && threads_ == free_; });
}

size_t WorkerPool::threads() const {
    std::lock_guard lock(mutex_);
    return threads_;
}

} // namespace hull::event
