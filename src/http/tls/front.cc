#include "http/tls/front.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/tls/relay.h"
#include "sys/poll.h"
#include "sys/ready.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"
#include "sys/tcp.h"
#include "sys/thread.h"

namespace hull::http {

namespace {

constexpr size_t relay_stack = size_t{256} << 10;
constexpr size_t max_listeners = 7; // of what wait_ready() takes, less the stop

class FrontCore : public std::enable_shared_from_this<FrontCore> {
public:
    FrontCore(std::vector<UniqueFd> listeners, std::shared_ptr<const TlsContext> context,
              std::function<void(UniqueFd)> adopt, TlsLimits limits, UniqueFd stop)
        : listeners_(std::move(listeners)), adopt_(std::move(adopt)), limits_(limits), stop_(std::move(stop)),
          context_(std::move(context)) {}

    void accept_all();
    void stop();
    std::shared_ptr<const TlsContext> context() const {
        std::lock_guard held(mutex_);
        return context_;
    }
    void replace(std::shared_ptr<const TlsContext> context) {
        std::lock_guard held(mutex_);
        context_ = std::move(context);
    }
    void thread_begins() {
        std::lock_guard held(mutex_);
        ++threads_;
    }
    void thread_ends() {
        std::lock_guard held(mutex_);
        --threads_;
        changed_.notify_all();
    }

private:
    bool wait_for_room();
    void accept_from(const UniqueFd& listener);
    void serve(UniqueFd socket);

    const std::vector<UniqueFd> listeners_;
    const std::function<void(UniqueFd)> adopt_;
    const TlsLimits limits_;
    const UniqueFd stop_; // an event

    mutable std::mutex mutex_; // of everything below
    std::condition_variable changed_;
    std::shared_ptr<const TlsContext> context_;
    size_t threads_ = 0, connections_ = 0, handshakes_ = 0;
    bool stopping_ = false;
};

bool FrontCore::wait_for_room() {
    std::unique_lock held(mutex_);
    changed_.wait(held, [this] { return stopping_ || handshakes_ < limits_.handshakes; });
    return !stopping_;
}

void FrontCore::accept_all() {
    while (wait_for_room()) {
        std::vector<sys::Readiness> entries{{.fd = stop_}};
        for (const UniqueFd& listener : listeners_) entries.push_back({.fd = listener});
        auto ready = sys::wait_ready(entries);
        if (!ready.ok() || entries[0].ready) return;
        for (size_t i = 0; i < listeners_.size(); ++i)
            if (entries[i + 1].ready) accept_from(listeners_[i]);
    }
}

void FrontCore::accept_from(const UniqueFd& listener) {
    auto socket = sys::accept_now(listener);
    if (!socket.ok()) {
        log::warning("accept a TLS connection", socket.error());
        // Out of descriptors, most likely: not in a circle at full speed.
        std::array<sys::Readiness, 1> entries{{{.fd = stop_}}};
        static_cast<void>(sys::wait_ready(entries, 100).ok());
        return;
    }
    if (!*socket) return;
    {
        std::lock_guard held(mutex_);
        if (connections_ >= limits_.connections) return; // closes it
        ++connections_;
        ++handshakes_;
        ++threads_;
    }
    auto shared = std::make_shared<UniqueFd>(std::move(**socket));
    auto started = sys::start_thread("hulld-tls", relay_stack, [self = shared_from_this(), shared] {
        self->serve(std::move(*shared));
        {
            std::lock_guard held(self->mutex_);
            --self->connections_;
        }
        self->thread_ends();
    });
    if (started.ok()) return;
    log::warning("serve a TLS connection", started.error());
    std::lock_guard held(mutex_);
    --connections_;
    --handshakes_;
    --threads_;
}

void FrontCore::serve(UniqueFd socket) {
    std::shared_ptr<const TlsContext> used = context();
    auto relay = TlsRelay::shake_hands(std::move(socket), *used, stop_, monotonic_ns() + limits_.handshake_ns);
    {
        std::lock_guard held(mutex_);
        --handshakes_;
        changed_.notify_all();
    }
    if (!relay.ok()) return log::debug("TLS connection: " + relay.error().message());
    auto pair = sys::socket_pair(sys::SocketType::stream);
    if (!pair.ok()) return log::warning("serve a TLS connection", pair.error());
    adopt_(std::move(pair->second));
    (*relay)->run(std::move(pair->first), stop_);
}

void FrontCore::stop() {
    std::unique_lock held(mutex_);
    stopping_ = true;
    changed_.notify_all();
    sys::raise_eventfd(stop_);
    changed_.wait(held, [this] { return threads_ == 0; });
}

class FrontImplementation final : public TlsFront {
public:
    explicit FrontImplementation(std::shared_ptr<FrontCore> core) : core_(std::move(core)) {}
    ~FrontImplementation() override { core_->stop(); }
    void replace(std::shared_ptr<const TlsContext> context) override { core_->replace(std::move(context)); }
    std::shared_ptr<const TlsContext> context() const override { return core_->context(); }
    void stop() override { core_->stop(); }

private:
    std::shared_ptr<FrontCore> core_;
};

} // namespace

Result<std::unique_ptr<TlsFront>> TlsFront::start(std::vector<UniqueFd> listeners,
                                                  std::shared_ptr<const TlsContext> context,
                                                  std::function<void(UniqueFd)> adopt, TlsLimits limits) {
    if (listeners.size() > max_listeners)
        return Error(ErrorKind::unsupported, "more than " + std::to_string(max_listeners) + " TLS listeners");
    for (const UniqueFd& listener : listeners) TRY(sys::set_nonblocking(listener));
    UniqueFd stop = TRY(sys::make_eventfd());
    auto core = std::make_shared<FrontCore>(std::move(listeners), std::move(context), std::move(adopt), limits,
                                            std::move(stop));
    core->thread_begins();
    auto started = sys::start_thread("hulld-tls", relay_stack, [core] {
        core->accept_all();
        core->thread_ends();
    });
    if (!started.ok()) {
        core->thread_ends();
        return std::move(started).error();
    }
    return std::unique_ptr<TlsFront>(std::make_unique<FrontImplementation>(std::move(core)));
}

} // namespace hull::http
