#include "http/server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_map>

#include <malloc.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/connection.h"
#include "sys/poll.h"
#include "sys/ready.h"
#include "sys/stream_socket.h"
#include "sys/thread.h"

namespace hull::http {

namespace {

using ConnectionPtr = std::shared_ptr<Connection>;

constexpr uint64_t stop_name = 0;           // names below first_connection are the server's own
constexpr uint64_t first_connection = 1024; // 1 .. 1023: listeners
constexpr uint32_t once_readable = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
constexpr uint32_t once_gone = EPOLLRDHUP | EPOLLONESHOT;
constexpr int64_t sweep_interval_ns = 500'000'000;
constexpr int idle_thread_ms = 5000;
constexpr int pause_ms = 250; // no request for as long: time to tidy up
constexpr size_t hole_bytes = 512 << 10;

std::string_view refusal_text(int status) {
    switch (status) {
    case 408: return "the request's headers did not arrive in time\n";
    case 431: return "the request's headers are too large\n";
    case 503: return "too many requests at the same time\n";
    case 505: return "only HTTP/1.1 is served here\n";
    default: return "malformed HTTP request\n";
    }
}

// An answer to something that never became a request.
void refuse(BorrowedFd socket, int status) {
    std::string_view body = refusal_text(status);
    std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
    text.append(reason_of(status));
    text.append("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ");
    text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    std::array<std::string_view, 1> parts{text};
    // The client is in the wrong or gone; whether it reads this is up to it.
    static_cast<void>(sys::send_all(socket, parts).ok());
}

// What big requests (a container with hundreds of ports, a long list) left free
// between what stays goes back to the kernel; less than hole_bytes isn't worth
// the page faults of the next request.
void give_holes_back() {
    static std::mutex mutex;
    static size_t after_last = 0;
    const std::lock_guard lock(mutex);
    if (::mallinfo2().fordblks < after_last + hole_bytes) return;
    ::malloc_trim(0);
    after_last = ::mallinfo2().fordblks;
}

int status_of(const Error& error) {
    if (error.kind() == ErrorKind::too_large) return 431;
    if (error.kind() == ErrorKind::unsupported) return 505;
    return 400;
}

bool is_readable(const Connection& connection, int within_ms) {
    std::array<sys::Readiness, 1> entries{{{.fd = connection.socket()}}};
    auto ready = sys::wait_ready(entries, within_ms);
    return ready.ok() && *ready;
}

// The state that the threads share; it outlives the Server for a thread that
// does not come back in time.
class Core : public ConnectionHost, public std::enable_shared_from_this<Core> {
public:
    Core(UniqueFd epoll, UniqueFd stop_event, std::vector<UniqueFd> listeners, Handler handler, ServerOptions options)
        : epoll_(std::move(epoll)), stop_event_(std::move(stop_event)), listeners_(std::move(listeners)),
          handler_(std::move(handler)), options_(options) {}

    Result<void> start();
    void drain(int64_t window_ns);
    void stop(int64_t grace_ns);
    void adopt(UniqueFd socket, Server::Arrival arrival);
    Server::Counters counters();
    void watch(Connection& connection) override;
    void release(Connection& connection) override;

private:
    Result<void> spawn();
    ConnectionPtr admit(UniqueFd socket);
    void work();
    bool wait_and_serve();
    bool keep_one_waiting();
    void accept_from(uint64_t name);
    void on_event(uint64_t name);
    void serve(const ConnectionPtr& connection);
    bool answer(const ConnectionPtr& connection);
    void park(const ConnectionPtr& connection);
    bool wait_for_first(const Connection& connection) const;
    void drop(const ConnectionPtr& connection);
    Result<void> arm(Connection& connection, uint32_t events);
    bool make_room();
    void sweep();

    UniqueFd epoll_;
    UniqueFd stop_event_;
    std::vector<UniqueFd> listeners_;
    const Handler handler_;
    const ServerOptions options_;

    std::atomic<bool> draining_ = false, stopping_ = false;
    std::atomic<unsigned> waiting_ = 0;
    std::atomic<unsigned> trickling_ = 0; // parked in the middle of a header
    std::atomic<int64_t> last_sweep_ns_ = 0;
    std::atomic<bool> untidy_ = false; // something was answered since give_holes_back()

    std::mutex mutex_; // of everything below
    std::condition_variable thread_ended_, unparked_;
    unsigned threads_ = 0;
    uint64_t next_name_ = first_connection;
    std::unordered_map<uint64_t, ConnectionPtr> connections_;
};

Result<void> Core::start() {
    TRY(sys::epoll_add(epoll_, stop_event_, EPOLLIN, stop_name));
    uint64_t name = stop_name + 1;
    for (const UniqueFd& listener : listeners_) {
        TRY(sys::set_nonblocking(listener));
        TRY(sys::epoll_add(epoll_, listener, EPOLLIN | EPOLLONESHOT, name++));
    }
    for (unsigned i = 0; i < std::max(1u, options_.spare_threads); ++i) TRY(spawn());
    return {};
}

Result<void> Core::spawn() {
    {
        std::lock_guard lock(mutex_);
        if (threads_ >= options_.max_threads)
            return Error(ErrorKind::unavailable, std::to_string(threads_) + " requests are being answered already");
        ++threads_;
    }
    auto started = sys::start_thread("hulld-http", options_.stack_bytes, [self = shared_from_this()] { self->work(); });
    if (!started.ok()) {
        std::lock_guard lock(mutex_);
        --threads_;
    }
    return started;
}

void Core::work() {
    while (wait_and_serve()) {}
    bool quiet_again = false;
    {
        std::lock_guard lock(mutex_);
        --threads_;
        quiet_again = threads_ == options_.spare_threads;
        thread_ended_.notify_all();
    }
    // Many requests at once leave holes in every arena; give them back.
    if (quiet_again) ::malloc_trim(0);
}

// False when the thread is to end.
bool Core::wait_and_serve() {
    const bool untidy = untidy_;
    const int quiet = untidy ? pause_ms : idle_thread_ms;
    const int timeout = trickling_ > 0 ? static_cast<int>(sweep_interval_ns / 1'000'000) : quiet;
    ++waiting_;
    std::array<epoll_event, 1> events{}; // one at a time: the others are for other threads
    auto ready = sys::epoll_wait(epoll_, events, timeout);
    unsigned others = --waiting_;
    if (stopping_) return false;
    if (!ready.ok()) {
        log::error("http server", ready.error());
        return others < options_.spare_threads;
    }
    if (trickling_ > 0) sweep();
    if (*ready == 0 && untidy) {
        if (untidy_.exchange(false)) give_holes_back();
        return true;
    }
    if (*ready == 0) return others < options_.spare_threads;
    on_event(events[0].data.u64);
    untidy_ = true;
    return true;
}

// Whoever serves a request may be away for long, so another has to listen:
// for new requests, and for clients that leave.
bool Core::keep_one_waiting() {
    if (waiting_ > 0) return true;
    auto spawned = spawn();
    if (!spawned.ok()) log::warning("http server: no thread for more requests", spawned.error());
    return spawned.ok();
}

void Core::on_event(uint64_t name) {
    if (name < first_connection) return accept_from(name);
    ConnectionPtr connection;
    bool gone = false;
    {
        std::lock_guard lock(mutex_);
        auto found = connections_.find(name);
        if (found == connections_.end() || found->second->state == Connection::State::busy) return;
        connection = found->second;
        gone = connection->state == Connection::State::watched;
        if (!gone) {
            connection->state = Connection::State::busy;
            if (connection->header_deadline_ns != 0) --trickling_;
            unparked_.notify_all();
        }
    }
    if (gone) return connection->notify_gone();
    serve(connection);
}

void Core::accept_from(uint64_t name) {
    const UniqueFd& listener = listeners_[name - stop_name - 1];
    auto socket = sys::accept_now(listener);
    bool full = !socket.ok() && !make_room();
    auto rearmed = sys::epoll_modify(epoll_, listener, EPOLLIN | EPOLLONESHOT, name);
    if (!rearmed.ok() && !draining_) log::error("http server: listen on", rearmed.error());
    if (!socket.ok()) {
        if (full) log::warning("http server", socket.error());
        return;
    }
    if (*socket) serve(admit(std::move(**socket)));
}

void Core::adopt(UniqueFd socket, Server::Arrival arrival) {
    ConnectionPtr connection = admit(std::move(socket));
    connection->from_network = arrival == Server::Arrival::network;
    park(connection);
}

ConnectionPtr Core::admit(UniqueFd socket) {
    std::lock_guard lock(mutex_);
    uint64_t name = next_name_++;
    auto connection = std::make_shared<Connection>(name, std::move(socket));
    connections_.emplace(name, connection);
    return connection;
}

// Out of descriptors: closes a connection that waits for its next request.
bool Core::make_room() {
    std::lock_guard lock(mutex_);
    for (auto it = connections_.begin(); it != connections_.end(); ++it) {
        if (it->second->state != Connection::State::parked) continue;
        if (it->second->header_deadline_ns != 0) --trickling_;
        connections_.erase(it);
        return true;
    }
    return false;
}

// Answers every complete request that has arrived, then parks the connection.
void Core::serve(const ConnectionPtr& connection) {
    for (;;) {
        auto input = connection->read_header(options_.max_header_bytes);
        if (!input.ok()) {
            refuse(connection->socket(), status_of(input.error()));
            return drop(connection);
        }
        if (*input == Connection::Input::closed) return drop(connection);
        if (*input == Connection::Input::incomplete && wait_for_first(*connection)) continue;
        if (*input == Connection::Input::incomplete) return park(connection);
        if (!answer(connection)) return drop(connection);
        if (!connection->has_pending_bytes()) return park(connection);
    }
}

// Of a client that connected while the server stopped.
bool Core::wait_for_first(const Connection& connection) const {
    constexpr int patience_ms = 50;
    if (!stopping_ || !connection.is_new()) return false;
    return is_readable(connection, patience_ms);
}

bool Core::answer(const ConnectionPtr& connection) {
    if (!keep_one_waiting()) {
        refuse(connection->socket(), 503);
        return false;
    }
    ConnectionExchange exchange(*connection, options_, *this);
    handler_(exchange);
    auto after = exchange.finish();
    std::lock_guard lock(mutex_);
    connection->state = Connection::State::busy;
    connection->header_deadline_ns = 0;
    connection->finish_request();
    return after == ConnectionExchange::After::keep && !draining_;
}

void Core::park(const ConnectionPtr& connection) {
    std::lock_guard lock(mutex_);
    if (stopping_ || (draining_ && !connection->is_new())) {
        connections_.erase(connection->name());
        return;
    }
    connection->state = Connection::State::parked;
    if (connection->mid_header()) {
        if (connection->header_deadline_ns == 0)
            connection->header_deadline_ns = monotonic_ns() + options_.header_timeout_ns;
        ++trickling_;
    }
    if (!arm(*connection, once_readable).ok()) {
        if (connection->header_deadline_ns != 0) --trickling_;
        connections_.erase(connection->name());
    }
}

// Under mutex_.
Result<void> Core::arm(Connection& connection, uint32_t events) {
    if (connection.registered) return sys::epoll_modify(epoll_, connection.socket(), events, connection.name());
    auto added = sys::epoll_add(epoll_, connection.socket(), events, connection.name());
    connection.registered = added.ok();
    return added;
}

void Core::drop(const ConnectionPtr& connection) {
    std::lock_guard lock(mutex_);
    connections_.erase(connection->name());
}

void Core::watch(Connection& connection) {
    std::lock_guard lock(mutex_);
    connection.state = Connection::State::watched;
    auto armed = arm(connection, once_gone);
    if (!armed.ok()) log::warning("http server: watch a client", armed.error());
}

// The set would watch the socket for as long as anybody has it open.
void Core::release(Connection& connection) {
    std::lock_guard lock(mutex_);
    if (connection.registered) sys::epoll_remove(epoll_, connection.socket());
    connection.registered = false;
}

void Core::sweep() {
    int64_t now = monotonic_ns();
    if (now - last_sweep_ns_.load() < sweep_interval_ns) return;
    last_sweep_ns_ = now;
    std::vector<ConnectionPtr> late;
    {
        std::lock_guard lock(mutex_);
        for (auto& [name, connection] : connections_) {
            if (connection->state != Connection::State::parked || connection->header_deadline_ns == 0) continue;
            if (connection->header_deadline_ns > now) continue;
            connection->state = Connection::State::busy;
            --trickling_;
            late.push_back(connection);
        }
        for (const ConnectionPtr& connection : late) connections_.erase(connection->name());
    }
    for (const ConnectionPtr& connection : late) refuse(connection->socket(), 408);
}

void Core::drain(int64_t window_ns) {
    if (draining_.exchange(true)) return;
    for (const UniqueFd& listener : listeners_) sys::epoll_remove(epoll_, listener);
    auto is_parked = [](const auto& entry) { return entry.second->state == Connection::State::parked; };
    auto is_idle = [&](const auto& entry) {
        const Connection& connection = *entry.second;
        bool between = is_parked(entry) && !connection.is_new() && !connection.mid_header();
        return between && !is_readable(connection, 0);
    };
    std::unique_lock lock(mutex_);
    std::erase_if(connections_, is_idle);
    unparked_.wait_for(lock, std::chrono::nanoseconds(window_ns),
                       [&] { return std::ranges::none_of(connections_, is_parked); });
}

void Core::stop(int64_t grace_ns) {
    drain(0);
    if (stopping_.exchange(true)) return;
    sys::raise_eventfd(stop_event_);
    std::vector<ConnectionPtr> open;
    std::unique_lock lock(mutex_);
    auto collect = [&] {
        open.clear();
        for (auto& [name, connection] : connections_) open.push_back(connection);
    };
    collect();
    lock.unlock();
    for (const ConnectionPtr& connection : open) connection->notify_gone();
    lock.lock();
    auto all_ended = [&] { return threads_ == 0; };
    if (!thread_ended_.wait_for(lock, std::chrono::nanoseconds(grace_ns), all_ended)) {
        collect();
        for (const ConnectionPtr& connection : open) sys::shut_down(connection->socket());
        thread_ended_.wait_for(lock, std::chrono::seconds(1), all_ended);
    }
    connections_.clear();
}

Server::Counters Core::counters() {
    std::lock_guard lock(mutex_);
    return {connections_.size(), threads_};
}

class ServerImplementation final : public Server {
public:
    explicit ServerImplementation(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    ~ServerImplementation() override { core_->stop(0); }
    void drain(int64_t window_ns) override { core_->drain(window_ns); }
    void stop(int64_t grace_ns) override { core_->stop(grace_ns); }
    void adopt(UniqueFd socket, Arrival arrival) override { core_->adopt(std::move(socket), arrival); }
    Counters counters() const override { return core_->counters(); }

private:
    std::shared_ptr<Core> core_;
};

} // namespace

Result<std::unique_ptr<Server>> Server::start(std::vector<UniqueFd> listeners, Handler handler, ServerOptions options) {
    auto epoll = TRY(sys::epoll_create());
    auto stop_event = TRY(sys::make_eventfd());
    auto core = std::make_shared<Core>(std::move(epoll), std::move(stop_event), std::move(listeners),
                                       std::move(handler), options);
    std::unique_ptr<Server> server = std::make_unique<ServerImplementation>(core);
    TRY(core->start().context("start the HTTP server"));
    return server;
}

} // namespace hull::http
