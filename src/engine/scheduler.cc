#include "engine/scheduler.h"

#include <chrono>

#include "base/clock.h"

namespace hull::engine {

uint64_t Scheduler::after(int64_t delay_ms, std::function<void()> task) {
    std::lock_guard lock(mutex_);
    uint64_t number = next_++;
    if (stopped_) return number;
    tasks_.emplace(std::pair(monotonic_ns() + delay_ms * 1'000'000, number), std::move(task));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_one();
    return number;
}

void Scheduler::cancel(uint64_t timer) {
    std::lock_guard lock(mutex_);
    std::erase_if(tasks_, [timer](const auto& task) { return task.first.second == timer; });
}

void Scheduler::stop() {
    {
        std::lock_guard lock(mutex_);
        stopped_ = true;
        tasks_.clear();
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Scheduler::run() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        if (tasks_.empty()) {
            changed_.wait(lock);
            continue;
        }
        int64_t left = tasks_.begin()->first.first - monotonic_ns();
        if (left > 0) {
            changed_.wait_for(lock, std::chrono::nanoseconds(left));
            continue;
        }
        std::function<void()> task = std::move(tasks_.begin()->second);
        tasks_.erase(tasks_.begin());
        lock.unlock();
        // A full pool: better late, in this thread, than never.
        if (!workers_.submit(task)) task();
        lock.lock();
    }
}

} // namespace hull::engine
