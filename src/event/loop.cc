#include "event/loop.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/clock.h"

namespace hull::event {

namespace {

constexpr uint64_t wakeup_cookie = UINT64_MAX;
constexpr int64_t ns_per_ms = 1'000'000;

uint64_t cookie_of(Watch watch) { return uint64_t{watch.generation} << 32 | watch.slot; }
Watch watch_of(uint64_t cookie) { return {static_cast<uint32_t>(cookie), static_cast<uint32_t>(cookie >> 32)}; }

} // namespace

Result<std::unique_ptr<Loop>> Loop::create() {
    UniqueFd epoll = TRY(sys::epoll_create());
    UniqueFd wakeup = TRY(sys::make_eventfd());
    TRY(sys::epoll_add(epoll, wakeup, EPOLLIN, wakeup_cookie));
    return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wakeup)));
}

Loop::Loop(UniqueFd epoll, UniqueFd wakeup) : epoll_(std::move(epoll)), wakeup_(std::move(wakeup)) {}
Loop::~Loop() = default;

Loop::Slot* Loop::slot_of(Watch watch) {
    if (watch.slot >= slots_.size()) return nullptr;
    Slot* slot = slots_[watch.slot].get();
    return slot->fd >= 0 && slot->generation == watch.generation ? slot : nullptr;
}

Result<Watch> Loop::add(BorrowedFd fd, uint32_t events, Handler handler) {
    uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<uint32_t>(slots_.size());
        slots_.push_back(std::make_unique<Slot>());
    } else {
        index = free_.back();
        free_.pop_back();
    }
    Slot& slot = *slots_[index];
    Watch watch{index, ++slot.generation};
    if (auto added = sys::epoll_add(epoll_, fd, events, cookie_of(watch)); !added.ok()) {
        free_.push_back(index);
        return std::move(added).error();
    }
    slot.handler = std::move(handler);
    slot.fd = fd.get();
    slot.events = events;
    return watch;
}

Result<void> Loop::change(Watch watch, uint32_t events) {
    Slot* slot = slot_of(watch);
    assert(slot);
    if (slot->events == events) return {};
    TRY(sys::epoll_modify(epoll_, BorrowedFd(slot->fd), events, cookie_of(watch)));
    slot->events = events;
    return {};
}

void Loop::remove(Watch watch) {
    Slot* slot = slot_of(watch);
    if (!slot) return;
    sys::epoll_remove(epoll_, BorrowedFd(slot->fd));
    slot->fd = -1;
    // A handler that removes itself is destroyed by dispatch(), which holds it.
    slot->handler = nullptr;
    free_.push_back(watch.slot);
}

Result<Watch> Loop::add_process(BorrowedFd pidfd, std::function<void()> ended) {
    auto watch = std::make_shared<Watch>();
    *watch = TRY(add(pidfd, EPOLLIN, [this, watch, ended = std::move(ended)](uint32_t) {
        remove(*watch);
        ended();
    }));
    return *watch;
}

Result<void> Loop::add_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
    assert(!signals_);
    signals_ = TRY(sys::make_signalfd(signals));
    TRY(add(signals_, EPOLLIN, [this, handler = std::move(handler)](uint32_t) {
        while (int signal = sys::read_signalfd(signals_)) handler(signal);
    }));
    return {};
}

Timer Loop::after(int64_t delay_ns, std::function<void()> handler) {
    Timer timer{monotonic_ns() + std::max<int64_t>(delay_ns, 0), next_timer_++};
    timers_.emplace(std::pair{timer.deadline, timer.number}, std::move(handler));
    return timer;
}

void Loop::cancel(Timer timer) { timers_.erase({timer.deadline, timer.number}); }

void Loop::post(std::function<void()> task) {
    {
        std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
    }
    sys::raise_eventfd(wakeup_);
}

void Loop::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    sys::raise_eventfd(wakeup_);
}

Result<void> Loop::run() {
    for (;;) {
        TRY(run_once(-1));
        std::lock_guard lock(mutex_);
        if (std::exchange(stopping_, false)) return {};
    }
}

Result<void> Loop::run_once(int timeout_ms) {
    std::array<epoll_event, 64> events;
    size_t n = TRY(sys::epoll_wait(epoll_, events, wait_ms(timeout_ms)));
    for (size_t i = 0; i < n; ++i) dispatch(events[i]);
    run_timers();
    return {};
}

void Loop::dispatch(const epoll_event& event) {
    if (event.data.u64 == wakeup_cookie) return run_posted();
    Watch watch = watch_of(event.data.u64);
    Slot* slot = slot_of(watch);
    if (!slot) return; // removed by an earlier handler of this round
    Handler handler = std::move(slot->handler);
    handler(event.events);
    slot = slot_of(watch); // the handler may have removed itself
    if (slot) slot->handler = std::move(handler);
}

void Loop::run_posted() {
    sys::clear_eventfd(wakeup_);
    std::vector<std::function<void()>> tasks;
    {
        std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
}

void Loop::run_timers() {
    int64_t now = timers_.empty() ? 0 : monotonic_ns();
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
        auto node = timers_.extract(timers_.begin());
        node.mapped()();
    }
}

int Loop::wait_ms(int limit_ms) const {
    if (timers_.empty()) return limit_ms;
    int64_t left = timers_.begin()->first.first - monotonic_ns();
    int64_t ms = std::clamp<int64_t>((left + ns_per_ms - 1) / ns_per_ms, 0, 24 * 3600 * 1000);
    return limit_ms < 0 ? static_cast<int>(ms) : std::min(limit_ms, static_cast<int>(ms));
}

} // namespace hull::event
