#include "net/port_relay.h"

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "event/loop.h"
#include "net/inet.h"
#include "sys/inet_socket.h"

namespace hull::net {
namespace {

constexpr size_t k_relay_buffer = 65536;
constexpr size_t k_most_connections = 4096; // per engine; more wait in the backlog

} // namespace

struct PortRelay::Impl {
    // One direction of a connection: what was read and not yet written.
    struct Flow {
        std::string data;
        size_t sent = 0;
        bool ended = false;  // the source said so
        bool closed = false; // and so does the other side know
        size_t pending() const { return data.size() - sent; }
    };

    struct Connection {
        UniqueFd sockets[2]; // the client's, the container's
        event::Watch watches[2];
        Flow flows[2]; // out of sockets[i] into the other
        bool connected = false;
    };

    struct Port {
        UniqueFd listener;
        event::Watch watch;
        sys::InetAddress target;
    };

    explicit Impl(std::unique_ptr<event::Loop> made) : loop(std::move(made)) {}
    void accept(uint64_t id);
    void begin(UniqueFd client, const sys::InetAddress& target);
    void pump(uint64_t id, unsigned side, uint32_t events);
    bool move(Connection& connection);
    void close(uint64_t id);
    void pause(bool on);

    std::unique_ptr<event::Loop> loop;
    std::atomic<uint64_t> next{1};
    // In the loop's thread only.
    std::map<uint64_t, Port> ports;
    std::map<uint64_t, std::unique_ptr<Connection>> connections;
    uint64_t next_connection = 1;
    bool paused = false;
    std::thread thread;
};

void PortRelay::Impl::pause(bool on) {
    if (std::exchange(paused, on) == on) return;
    for (auto& [id, port] : ports) (void)loop->change(port.watch, on ? 0U : uint32_t{EPOLLIN});
}

void PortRelay::Impl::accept(uint64_t id) {
    auto port = ports.find(id);
    if (port == ports.end()) return;
    if (connections.size() >= k_most_connections) return pause(true);
    auto client = sys::accept_inet(port->second.listener);
    if (!client.ok()) return pause(true); // out of descriptors: when one ends
    if (*client) begin(std::move(**client), port->second.target);
}

void PortRelay::Impl::begin(UniqueFd client, const sys::InetAddress& target) {
    auto server = sys::connect_inet(IPPROTO_TCP, target);
    if (!server.ok()) return; // closing tells the client
    const uint64_t id = next_connection++;
    auto connection = std::make_unique<Connection>();
    connection->sockets[0] = std::move(client);
    connection->sockets[1] = std::move(*server);
    for (unsigned side : {0u, 1u}) {
        auto watch = loop->add(connection->sockets[side], side == 0 ? uint32_t{EPOLLIN} : uint32_t{EPOLLOUT},
                               [this, id, side](uint32_t events) { pump(id, side, events); });
        if (!watch.ok()) {
            loop->remove(connection->watches[0]);
            return;
        }
        connection->watches[side] = *watch;
    }
    connections.emplace(id, std::move(connection));
}

// False: one side is gone.
bool PortRelay::Impl::move(Connection& connection) {
    for (unsigned from : {0u, 1u}) {
        Flow& flow = connection.flows[from];
        const UniqueFd& source = connection.sockets[from];
        const UniqueFd& target = connection.sockets[1 - from];
        if (flow.pending() == 0 && !flow.ended) {
            flow.data.resize(k_relay_buffer);
            flow.sent = 0;
            auto got = sys::receive_some(source, {flow.data.data(), flow.data.size()});
            if (!got.ok()) return false;
            flow.data.resize(got->value_or(0));
            flow.ended = *got && **got == 0;
        }
        while (connection.connected && flow.pending() > 0) {
            auto sent = sys::send_some(target, std::string_view(flow.data).substr(flow.sent));
            if (!sent.ok()) return false;
            if (!*sent) break;
            flow.sent += **sent;
        }
        if (connection.connected && flow.ended && flow.pending() == 0 && !std::exchange(flow.closed, true))
            sys::finish_sending(target);
    }
    return !(connection.flows[0].closed && connection.flows[1].closed);
}

void PortRelay::Impl::pump(uint64_t id, unsigned side, uint32_t events) {
    auto found = connections.find(id);
    if (found == connections.end()) return;
    Connection& connection = *found->second;
    if (side == 1 && !connection.connected) {
        if (!sys::connect_error(connection.sockets[1]).ok()) return close(id);
        connection.connected = true;
    }
    if ((events & EPOLLERR) || !move(connection)) return close(id);
    // A side that hung up altogether would wake us for ever.
    if ((events & EPOLLHUP) && connection.flows[side].ended && connection.flows[side].pending() == 0) return close(id);
    for (unsigned one : {0u, 1u}) {
        uint32_t wanted = 0;
        const Flow& out = connection.flows[one];
        const Flow& in = connection.flows[1 - one];
        if (out.pending() == 0 && !out.ended) wanted |= EPOLLIN;
        if (in.pending() > 0 || (one == 1 && !connection.connected)) wanted |= EPOLLOUT;
        (void)loop->change(connection.watches[one], wanted);
    }
}

void PortRelay::Impl::close(uint64_t id) {
    auto found = connections.find(id);
    if (found == connections.end()) return;
    for (const event::Watch& watch : found->second->watches) loop->remove(watch);
    connections.erase(found);
    pause(false);
}

PortRelay::PortRelay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<PortRelay>> PortRelay::start() {
    auto impl = std::make_unique<Impl>(TRY(event::Loop::create()));
    impl->thread = std::thread([raw = impl.get()] {
        if (auto done = raw->loop->run(); !done.ok()) log::error("port relay", done.error());
    });
    return std::unique_ptr<PortRelay>(new PortRelay(std::move(impl)));
}

PortRelay::~PortRelay() {
    impl_->loop->stop();
    impl_->thread.join();
}

uint64_t PortRelay::add(UniqueFd listener, const IpAddress& address, uint16_t port) {
    const uint64_t id = impl_->next++;
    // std::function wants to be copied.
    auto held = std::make_shared<UniqueFd>(std::move(listener));
    impl_->loop->post([impl = impl_.get(), id, held, target = to_inet(address, port)] {
        Impl::Port& made = impl->ports[id];
        made.listener = std::move(*held);
        made.target = target;
        auto watch = impl->loop->add(made.listener, EPOLLIN, [impl, id](uint32_t) { impl->accept(id); });
        if (watch.ok())
            made.watch = *watch;
        else
            log::error("port relay", watch.error());
    });
    return id;
}

void PortRelay::remove(uint64_t id) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> gone = done->get_future();
    impl_->loop->post([impl = impl_.get(), id, done] {
        if (auto found = impl->ports.find(id); found != impl->ports.end()) {
            impl->loop->remove(found->second.watch);
            impl->ports.erase(found);
        }
        done->set_value();
    });
    // Whoever is told that the port is free binds it at once. The limit is for a
    // loop that has failed.
    constexpr auto patience = std::chrono::seconds(5);
    (void)gone.wait_for(patience);
}

} // namespace hull::net
