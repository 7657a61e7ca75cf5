#include "engine/sandbox_pool.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"

namespace hull::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Making a namespace takes locks of the kernel that a start wants too: wait
// until nobody has asked for this long, but not for ever.
constexpr auto k_quiet = std::chrono::milliseconds(10);
constexpr auto k_patience = std::chrono::milliseconds(250);
constexpr auto k_after_failure = std::chrono::seconds(5);

} // namespace

struct SandboxPool::Impl {
    Impl(const SandboxPoolConfig& wanted, RuntimePort& runtime_port, IdPool& id_pool, net::Bridge* default_bridge)
        : config(wanted), runtime(runtime_port), ids(id_pool), bridge(default_bridge) {}

    Result<PreparedSandbox> make(SandboxNetwork network, SandboxUsers users, const std::vector<uint32_t>& more_ids);
    Result<void> fill(PreparedSandbox& entry, SandboxNetwork network, const std::vector<uint32_t>& more_ids);

    size_t target(SandboxNetwork network) const {
        if (network == SandboxNetwork::none) return config.none;
        return bridge ? config.bridge : 0;
    }
    std::deque<PreparedSandbox>& ready(SandboxNetwork network) {
        return network == SandboxNetwork::none ? ready_none : ready_bridge;
    }
    std::optional<SandboxNetwork> lacking() {
        for (const auto network : {SandboxNetwork::bridge, SandboxNetwork::none})
            if (ready(network).size() < target(network)) return network;
        return std::nullopt;
    }

    void refill_until_stopped();
    void wait_for_quiet(std::unique_lock<std::mutex>& lock);

    const SandboxPoolConfig config;
    RuntimePort& runtime;
    IdPool& ids;
    net::Bridge* const bridge;

    std::mutex mutex;
    std::condition_variable changed;
    std::deque<PreparedSandbox> ready_bridge, ready_none;
    Clock::time_point last_take; // long ago at first: the first filling need not wait
    bool running = false;
    std::thread thread;
};

Result<void> SandboxPool::Impl::fill(PreparedSandbox& entry, SandboxNetwork network,
                                     const std::vector<uint32_t>& more_ids) {
    const auto mappings = entry.ids.mappings(more_ids);
    entry.sandbox = TRY(runtime.make_sandbox(mappings, mappings));
    if (network == SandboxNetwork::none) return net::prepare_loopback(entry.sandbox.net_ns);
    entry.link = TRY(bridge->prepare(entry.sandbox.net_ns));
    return {};
}

Result<PreparedSandbox> SandboxPool::Impl::make(SandboxNetwork network, SandboxUsers users,
                                                const std::vector<uint32_t>& more_ids) {
    if (network == SandboxNetwork::bridge && !bridge)
        return Error(ErrorKind::unsupported, "this engine runs without a bridge network (--bridge=none)");
    PreparedSandbox entry;
    if (users == SandboxUsers::own) entry.ids = TRY(ids.allocate());
    if (auto done = fill(entry, network, more_ids); !done.ok()) {
        ids.release(entry.ids);
        return std::move(done).error().context("make a network sandbox");
    }
    return entry;
}

void SandboxPool::Impl::wait_for_quiet(std::unique_lock<std::mutex>& lock) {
    const auto latest = Clock::now() + k_patience;
    while (running && Clock::now() < latest && Clock::now() < last_take + k_quiet)
        changed.wait_until(lock, std::min(latest, last_take + k_quiet));
}

void SandboxPool::Impl::refill_until_stopped() {
    bool complained = false;
    std::unique_lock lock(mutex);
    while (running) {
        const auto network = lacking();
        if (!network) {
            changed.wait(lock);
            continue;
        }
        wait_for_quiet(lock);
        if (!running) return;
        lock.unlock();
        auto made = make(*network, SandboxUsers::own, {});
        lock.lock();
        if (made.ok()) {
            complained = false;
            ready(*network).push_back(*std::move(made));
            continue;
        }
        // Whoever needs a sandbox now makes one and gets the error.
        if (!std::exchange(complained, true)) log::warning("refill the sandbox pool", made.error());
        changed.wait_for(lock, k_after_failure, [&] { return !running; });
    }
}

SandboxPool::SandboxPool(const SandboxPoolConfig& config, RuntimePort& runtime, IdPool& ids, net::Bridge* bridge)
    : impl_(std::make_unique<Impl>(config, runtime, ids, bridge)) {}

SandboxPool::~SandboxPool() { stop(); }

void SandboxPool::start() {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->running, true)) return;
    impl_->thread = std::thread([impl = impl_.get()] { impl->refill_until_stopped(); });
}

void SandboxPool::stop() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->running = false;
    }
    impl_->changed.notify_all();
    if (impl_->thread.joinable()) impl_->thread.join();
    const std::lock_guard lock(impl_->mutex);
    for (auto* ready : {&impl_->ready_bridge, &impl_->ready_none}) {
        for (const PreparedSandbox& entry : *ready) impl_->ids.release(entry.ids);
        ready->clear();
    }
}

Result<PreparedSandbox> SandboxPool::take(SandboxNetwork network, SandboxUsers users,
                                          const std::vector<uint32_t>& more_ids) {
    if (users == SandboxUsers::own && more_ids.empty()) {
        const std::lock_guard lock(impl_->mutex);
        impl_->last_take = Clock::now();
        auto& ready = impl_->ready(network);
        if (!ready.empty()) {
            PreparedSandbox entry = std::move(ready.front());
            ready.pop_front();
            impl_->changed.notify_all();
            return entry;
        }
    }
    return impl_->make(network, users, more_ids);
}

size_t SandboxPool::ready(SandboxNetwork network) const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->ready(network).size();
}

} // namespace hull::engine
