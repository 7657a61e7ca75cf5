#include "net/peers_watch.h"

#include "base/log.h"

namespace hull::net {
namespace {

constexpr int64_t k_peers_period_ns = 2'000'000'000;

} // namespace

PeersWatch::PeersWatch(std::unique_ptr<event::Loop> loop, std::function<void()> look)
    : loop_(std::move(loop)), look_(std::move(look)) {}

Result<std::unique_ptr<PeersWatch>> PeersWatch::start(std::function<void()> look) {
    auto loop = TRY(event::Loop::create());
    std::unique_ptr<PeersWatch> watch(new PeersWatch(std::move(loop), std::move(look)));
    watch->arm();
    watch->thread_ = std::thread([raw = watch.get()] {
        if (auto done = raw->loop_->run(); !done.ok()) log::error("watch lists of peers", done.error());
    });
    return watch;
}

PeersWatch::~PeersWatch() {
    loop_->stop();
    if (thread_.joinable()) thread_.join();
}

void PeersWatch::arm() {
    loop_->after(k_peers_period_ns, [this] {
        look_();
        arm();
    });
}

} // namespace hull::net
