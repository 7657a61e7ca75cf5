// Carries TCP connections from a listening socket to a container's port, for
// where the kernel can't translate: IPv6 clients of a container that has IPv4
// only. One thread for all ports; a port costs its socket. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace hull::net {

class PortRelay {
public:
    static Result<std::unique_ptr<PortRelay>> start();
    ~PortRelay();
    PortRelay(const PortRelay&) = delete;
    PortRelay& operator=(const PortRelay&) = delete;

    // listener: non-blocking; the relay's from now on. What is open when it is
    // removed goes on until one side closes.
    uint64_t add(UniqueFd listener, const IpAddress& address, uint16_t port);
    void remove(uint64_t id); // the port is free when this returns

private:
    struct Impl;
    explicit PortRelay(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace hull::net
