// The ports of the host that containers have: each is bound by a socket as long
// as it is published, so that no other program takes it and a taken one is
// noticed. The sockets mostly never see a packet, since the firewall translates
// before. TCP connections that the kernel can't translate (to a container of the
// other family, and to ::1) arrive at them and are carried (PortRelay).
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/port_relay.h"

namespace hull::net {

class HostPorts {
public:
    struct Wish {
        uint8_t protocol = 6;         // IPPROTO_*
        IpAddress host;               // unspecified: any address of its family
        uint16_t first = 0, last = 0; // 0: any port
        IpAddress container;
        uint16_t container_port = 0;
    };
    // The port taken. Errors: conflict, with Docker's texts: "Bind for
    // 0.0.0.0:80 failed: port is already allocated" when a container has it.
    Result<uint16_t> reserve(const std::string& owner, const Wish& wish);
    void release(const std::string& owner);
    // One of them; not there: fine.
    void release(const std::string& owner, uint8_t protocol, const IpAddress& host, uint16_t port);

private:
    using Key = std::tuple<uint8_t, uint16_t, IpAddress>;
    struct Port {
        std::string owner;
        UniqueFd socket;
        uint64_t relay = 0;
    };
    Result<uint16_t> try_one(const std::string& owner, const Wish& wish, uint16_t port);

    std::mutex mutex_;
    std::map<Key, Port> ports_;
    std::unique_ptr<PortRelay> relay_; // made when it is needed
};

} // namespace hull::net
