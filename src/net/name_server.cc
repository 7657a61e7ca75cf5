#include "net/name_server.h"

#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "event/loop.h"
#include "event/worker_pool.h"
#include "net/dns_cache.h"
#include "net/dns_message.h"
#include "net/firewall.h"
#include "net/host_resolvers.h"
#include "net/inet.h"
#include "sys/inet_socket.h"
#include "sys/net_namespace.h"

namespace hull::net {
namespace {

constexpr uint16_t k_dns_port = 53;
constexpr int k_server_timeout_ms = 4000; // Docker's: four seconds for each server
constexpr size_t k_most_message = 65535;

Result<UniqueFd> copy_of(BorrowedFd fd) {
    UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return Error::from_errno("fcntl");
    return copy;
}

} // namespace

struct NameServer::Impl {
    // One container's sockets; kept alive by whoever works for them.
    struct Place {
        std::string who;
        UniqueFd udp, tcp;
        UniqueFd net_ns; // when outside is asked from there
        Outside outside;
    };
    using PlacePtr = std::shared_ptr<Place>;

    Impl(std::unique_ptr<event::Loop> made, Ask asked, Learned told)
        : loop(std::move(made)), ask(std::move(asked)), learned(std::move(told)) {}

    void read_datagrams(const PlacePtr& place);
    void accept(const PlacePtr& place);
    void serve_stream(const PlacePtr& place, UniqueFd client);
    // nullopt: to be asked outside.
    std::optional<std::string> answer(const Place& place, std::string_view query, const DnsQuestion& question,
                                      size_t limit);
    std::string ask_outside(const Place& place, std::string_view query, const DnsQuestion& question, uint8_t protocol) {
        std::string reply = ask_servers(place, query, question, protocol);
        if (!learned) return reply;
        if (const DnsAddresses found = dns_addresses_in(reply); !found.list.empty())
            learned(place.who, question.name, found.list, found.ttl);
        return reply;
    }
    std::string ask_servers(const Place& place, std::string_view query, const DnsQuestion& question, uint8_t protocol);

    std::unique_ptr<event::Loop> loop;
    const Ask ask;
    const Learned learned;
    HostResolvers host_resolvers;
    DnsCache cache;
    struct Watched {
        PlacePtr place;
        event::Watch udp, tcp;
    };
    std::map<std::string, Watched> places; // in the loop's thread only
    event::WorkerPool workers{{.threads = 64, .queued = 4096}};
    std::thread thread;
};

std::optional<std::string> NameServer::Impl::answer(const Place& place, std::string_view query,
                                                    const DnsQuestion& question, size_t limit) {
    NameAnswer found = ask(place.who, question.name, question.type);
    switch (found.kind) {
    case NameAnswer::Kind::addresses: return dns_addresses(query, question, found.addresses, limit);
    case NameAnswer::Kind::name: return dns_pointer(query, question, found.name);
    case NameAnswer::Kind::refused: return dns_code(query, &question, DnsCode::no_such_name);
    case NameAnswer::Kind::unknown: break;
    }
    if (place.outside.from == From::container && place.outside.servers.empty())
        return dns_code(query, &question, DnsCode::server_failure);
    return std::nullopt;
}

std::string NameServer::Impl::ask_servers(const Place& place, std::string_view query, const DnsQuestion& question,
                                          uint8_t protocol) {
    auto ask_one = [&](const std::string& server) -> Result<std::string> {
        const IpAddress address = TRY(IpAddress::parse(server));
        UniqueFd socket;
        {
            std::optional<sys::NetNamespaceScope> inside;
            if (place.outside.from == From::container) inside.emplace(TRY(sys::NetNamespaceScope::enter(place.net_ns)));
            socket = TRY(sys::connect_inet(protocol, to_inet(address, k_dns_port)));
        }
        std::string message(query);
        const bool stream = protocol == IPPROTO_TCP;
        if (stream) {
            TRY(sys::wait_for(socket, POLLOUT, k_server_timeout_ms));
            TRY(sys::connect_error(socket));
            message.insert(0, {static_cast<char>(query.size() >> 8), static_cast<char>(query.size() & 0xff)});
        }
        TRY(sys::send_some(socket, message));
        std::string got;
        std::vector<char> buffer(k_most_message);
        while (true) {
            if (!TRY(sys::wait_for(socket, POLLIN, k_server_timeout_ms)))
                return Error(ErrorKind::timed_out, "name server " + server + " does not answer");
            auto size = TRY(sys::receive_some(socket, buffer));
            if (!size) continue;
            got.append(buffer.data(), *size);
            if (!stream) {
                // An answer to something else, or a forged one.
                if (got.size() >= 12 && got.substr(0, 2) == query.substr(0, 2) && (got[2] & 0x80)) return got;
                got.clear();
                continue;
            }
            if (*size == 0) return Error(ErrorKind::unavailable, "name server " + server + " hung up");
            if (got.size() < 2) continue;
            size_t length = static_cast<size_t>(static_cast<uint8_t>(got[0])) << 8 | static_cast<uint8_t>(got[1]);
            if (got.size() >= length + 2) return got.substr(2, length);
        }
    };
    const bool of_host = place.outside.from == From::host;
    const std::vector<std::string> servers = of_host ? host_resolvers.servers() : place.outside.servers;
    // What is answered over UDP may be cut, so it has an entry of its own.
    std::string whom = (of_host ? std::string() : place.who) + (protocol == IPPROTO_TCP ? " tcp" : " udp");
    for (const std::string& server : servers) whom.append(" ").append(server);
    if (auto known = cache.find(whom, query, DnsCache::Clock::now())) return *std::move(known);
    for (const std::string& server : servers) {
        auto got = ask_one(server);
        if (!got.ok() || got->size() < 12) continue;
        // A server that can't isn't the last word.
        const int code = (*got)[3] & 0xf;
        if (code == static_cast<int>(DnsCode::server_failure) || code == static_cast<int>(DnsCode::refused)) {
            if (&server != &servers.back()) continue;
        }
        cache.keep(whom, query, *got, DnsCache::Clock::now());
        return *got;
    }
    return dns_code(query, &question, DnsCode::server_failure);
}

void NameServer::Impl::read_datagrams(const PlacePtr& place) {
    std::array<char, 4096> buffer;
    for (int i = 0; i < 64; ++i) { // then the others' turn
        auto got = sys::receive_from(place->udp, buffer);
        if (!got.ok() || !*got) return;
        const std::string_view query(buffer.data(), (*got)->size);
        const auto question = parse_dns_query(query);
        if (!question) {
            if (query.size() >= 12 && !(query[2] & 0x80))
                (void)sys::send_to(place->udp, dns_code(query, nullptr, DnsCode::not_implemented), (*got)->from);
            continue;
        }
        if (auto text = answer(*place, query, *question, question->payload)) {
            (void)sys::send_to(place->udp, *text, (*got)->from);
            continue;
        }
        auto rest = [this, place, question = *question, text = std::string(query), from = (*got)->from] {
            std::string reply = ask_outside(*place, text, question, IPPROTO_UDP);
            if (reply.size() > question.payload) reply = dns_truncated(text, question);
            (void)sys::send_to(place->udp, reply, from);
        };
        // Too many wait already: the asker tries again.
        (void)workers.submit(std::move(rest));
    }
}

void NameServer::Impl::accept(const PlacePtr& place) {
    auto client = sys::accept_inet(place->tcp);
    if (!client.ok() || !*client) return;
    auto held = std::make_shared<UniqueFd>(std::move(**client));
    (void)workers.submit([this, place, held] { serve_stream(place, std::move(*held)); });
}

void NameServer::Impl::serve_stream(const PlacePtr& place, UniqueFd client) {
    std::string data;
    std::array<char, 4096> buffer;
    for (int queries = 0; queries < 64;) {
        auto ready = sys::wait_for(client, POLLIN, k_server_timeout_ms);
        if (!ready.ok() || !*ready) return;
        auto got = sys::receive_some(client, buffer);
        if (!got.ok() || (*got && **got == 0)) return;
        data.append(buffer.data(), got->value_or(0));
        while (data.size() >= 2) {
            size_t length = static_cast<size_t>(static_cast<uint8_t>(data[0])) << 8 | static_cast<uint8_t>(data[1]);
            if (data.size() < length + 2) break;
            const std::string query = data.substr(2, length);
            data.erase(0, length + 2);
            const auto question = parse_dns_query(query);
            if (!question) return;
            auto text = answer(*place, query, *question, k_most_message);
            if (!text) text = ask_outside(*place, query, *question, IPPROTO_TCP);
            text->insert(0, {static_cast<char>(text->size() >> 8), static_cast<char>(text->size() & 0xff)});
            for (std::string_view left = *text; !left.empty();) {
                auto sent = sys::send_some(client, left);
                if (!sent.ok()) return;
                left.remove_prefix(sent->value_or(0));
                if (left.empty()) break;
                auto room = sys::wait_for(client, POLLOUT, k_server_timeout_ms);
                if (!room.ok() || !*room) return;
            }
            ++queries;
        }
    }
}

NameServer::NameServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<NameServer>> NameServer::start(Ask ask, Learned learned) {
    auto impl = std::make_unique<Impl>(TRY(event::Loop::create()), std::move(ask), std::move(learned));
    impl->thread = std::thread([raw = impl.get()] {
        if (auto done = raw->loop->run(); !done.ok()) log::error("name server", done.error());
    });
    return std::unique_ptr<NameServer>(new NameServer(std::move(impl)));
}

NameServer::~NameServer() {
    impl_->loop->stop();
    impl_->thread.join();
}

Result<void> NameServer::open(const std::string& who, BorrowedFd net_ns, Outside outside) {
    auto place = std::make_shared<Impl::Place>();
    place->who = who;
    if (outside.from == From::container) place->net_ns = TRY(copy_of(net_ns));
    place->outside = std::move(outside);
    const IpAddress address = TRY(IpAddress::parse(k_name_server_address));
    {
        const auto inside = TRY(sys::NetNamespaceScope::enter(net_ns));
        place->udp = TRY(sys::bind_inet(IPPROTO_UDP, to_inet(address, 0)));
        place->tcp = TRY(sys::bind_inet(IPPROTO_TCP, to_inet(address, 0)));
        NetlinkSocket firewall = TRY(open_netfilter_socket());
        TRY(redirect_service(firewall, address, k_dns_port, TRY(sys::local_address(place->udp)).port,
                             TRY(sys::local_address(place->tcp)).port));
    }
    impl_->loop->post([impl = impl_.get(), place] {
        Impl::Watched& watched = impl->places[place->who];
        impl->loop->remove(watched.udp);
        impl->loop->remove(watched.tcp);
        watched = {.place = place, .udp = {}, .tcp = {}};
        auto udp = impl->loop->add(place->udp, EPOLLIN, [impl, place](uint32_t) { impl->read_datagrams(place); });
        auto tcp = impl->loop->add(place->tcp, EPOLLIN, [impl, place](uint32_t) { impl->accept(place); });
        if (udp.ok()) watched.udp = *udp;
        if (tcp.ok()) watched.tcp = *tcp;
        if (!udp.ok()) log::error("name server", udp.error());
    });
    return {};
}

void NameServer::close(const std::string& who) {
    impl_->loop->post([impl = impl_.get(), who] {
        auto found = impl->places.find(who);
        if (found == impl->places.end()) return;
        impl->loop->remove(found->second.udp);
        impl->loop->remove(found->second.tcp);
        impl->places.erase(found);
    });
}

} // namespace hull::net
