#include "net/link_remover.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "net/link.h"

namespace hull::net {
namespace {

constexpr auto k_collect = std::chrono::milliseconds(50);
constexpr size_t k_most_waiting = 4096;

} // namespace

LinkRemover::LinkRemover(NetlinkSocket socket, uint32_t group,
                         std::function<void(const std::vector<std::string>&)> on_gone)
    : socket_(std::move(socket)), group_(group), on_gone_(std::move(on_gone)), thread_([this] { work(); }) {}

LinkRemover::~LinkRemover() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    work_to_do_.notify_one();
    thread_.join();
}

void LinkRemover::remove(std::string name) {
    std::unique_lock lock(mutex_);
    progress_.wait(lock, [&] { return queue_.size() < k_most_waiting; });
    queue_.push_back(std::move(name));
    ++accepted_;
    work_to_do_.notify_one();
}

void LinkRemover::drain() {
    std::unique_lock lock(mutex_);
    const uint64_t goal = accepted_;
    hurry_ = true;
    work_to_do_.notify_one();
    progress_.wait(lock, [&] { return done_ >= goal; });
}

void LinkRemover::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        work_to_do_.wait(lock, [&] { return stop_ || !queue_.empty(); });
        if (queue_.empty()) return;
        work_to_do_.wait_for(lock, k_collect, [&] { return stop_ || hurry_; });
        hurry_ = false;
        const std::vector<std::string> names = std::exchange(queue_, {});
        lock.unlock();
        remove_all(names);
        lock.lock();
        done_ += names.size();
        progress_.notify_all();
    }
}

void LinkRemover::remove_all(const std::vector<std::string>& names) {
    const auto done = delete_links(socket_, names, group_);
    // The addresses of links that may still be there stay leased.
    if (!done.ok()) return log::error("remove container links", done.error());
    on_gone_(names);
}

} // namespace hull::net
