#include "net/host_ports.h"

#include <netinet/in.h>

#include "net/inet.h"

namespace hull::net {
namespace {

// Some of what comes in has to be carried.
bool needs_relay(const HostPorts::Wish& wish) {
    if (wish.protocol != IPPROTO_TCP) return false;
    if (wish.host.is_v6() != wish.container.is_v6()) return true;
    return wish.host.is_v6() && (wish.host.unspecified() || wish.host.loopback());
}

std::string endpoint_text(const IpAddress& ip, uint16_t port) {
    return (ip.is_v6() ? "[" + ip.str() + "]" : ip.str()) + ":" + std::to_string(port);
}

const char* protocol_text(uint8_t protocol) {
    return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

} // namespace

Result<uint16_t> HostPorts::try_one(const std::string& owner, const Wish& wish, uint16_t port) {
    if (port != 0) {
        for (auto at = ports_.lower_bound({wish.protocol, port, IpAddress()});
             at != ports_.end() && std::get<0>(at->first) == wish.protocol && std::get<1>(at->first) == port; ++at) {
            const IpAddress& other = std::get<2>(at->first);
            if (other.is_v6() != wish.host.is_v6()) continue;
            if (other == wish.host || other.unspecified() || wish.host.unspecified())
                return Error(ErrorKind::conflict,
                             "Bind for " + endpoint_text(wish.host, port) + " failed: port is already allocated");
        }
    }
    auto bound = sys::bind_inet(wish.protocol, to_inet(wish.host, port));
    // A kernel without SCTP in the host forwards it all the same.
    const bool missing = !bound.ok() && wish.protocol == IPPROTO_SCTP && port != 0 &&
                         (bound.error().code() == EPROTONOSUPPORT || bound.error().code() == ESOCKTNOSUPPORT);
    if (!bound.ok() && !missing) {
        std::string family = std::string(protocol_text(wish.protocol)) + (wish.host.is_v6() ? "6" : "4");
        const Error& error = bound.error();
        std::string why = error.code() == EADDRINUSE      ? "address already in use"
                          : error.code() == EADDRNOTAVAIL ? "cannot assign requested address"
                                                          : error.message();
        return Error(ErrorKind::conflict, "listen " + family + " " + endpoint_text(wish.host, port) + ": bind: " + why)
            .with_code(error.code());
    }
    Port taken{.owner = owner, .socket = {}, .relay = 0};
    if (bound.ok()) {
        port = TRY(sys::local_address(*bound)).port;
        if (needs_relay(wish)) {
            if (!relay_) relay_ = TRY(PortRelay::start());
            taken.relay = relay_->add(std::move(*bound), wish.container, wish.container_port);
        } else {
            taken.socket = std::move(*bound);
        }
    }
    ports_.emplace(Key{wish.protocol, port, wish.host}, std::move(taken));
    return port;
}

Result<uint16_t> HostPorts::reserve(const std::string& owner, const Wish& wish) {
    const std::lock_guard lock(mutex_);
    uint16_t port = wish.first;
    while (true) {
        auto taken = try_one(owner, wish, port);
        if (taken.ok() || port >= wish.last) return taken;
        ++port;
    }
}

void HostPorts::release(const std::string& owner, uint8_t protocol, const IpAddress& host, uint16_t port) {
    const std::lock_guard lock(mutex_);
    const auto found = ports_.find(Key{protocol, port, host});
    if (found == ports_.end() || found->second.owner != owner) return;
    if (found->second.relay) relay_->remove(found->second.relay);
    ports_.erase(found);
}

void HostPorts::release(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    for (auto at = ports_.begin(); at != ports_.end();) {
        if (at->second.owner != owner) {
            ++at;
            continue;
        }
        if (at->second.relay) relay_->remove(at->second.relay);
        at = ports_.erase(at);
    }
}

} // namespace hull::net
