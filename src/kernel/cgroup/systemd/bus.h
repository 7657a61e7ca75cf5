// A connection to a D-Bus peer: a bus, or systemd itself at its private socket.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/cgroup/systemd/message.h"

namespace hull::kernel::cgroup::systemd {

class Bus {
public:
    // address: "unix:path=<escaped>", several with ";" between. The first that
    // somebody listens on. Everything on this connection ends at deadline_ns
    // (CLOCK_MONOTONIC). Errors: unavailable naming what was tried; timed_out.
    static Result<Bus> connect(std::string_view address, int64_t deadline_ns);

    // Sends without waiting; the serial.
    Result<uint32_t> send(const Call& call);
    // The reply to serial; signals that come before it are kept. A reply that
    // is an error becomes one: its D-Bus name is in the message.
    Result<Message> reply(uint32_t serial);
    Result<Message> call(const Call& call) { return reply(TRY(send(call))); }
    // The next signal that fits, also among those kept.
    Result<Message> signal(const std::function<bool(const Message&)>& fits);

private:
    Bus(UniqueFd socket, int64_t deadline_ns) : socket_(std::move(socket)), deadline_ns_(deadline_ns) {}
    Result<void> authenticate();
    Result<void> fill(size_t size);
    Result<Message> receive();

    UniqueFd socket_;
    int64_t deadline_ns_;
    uint32_t serial_ = 0;
    uint32_t hello_ = 0; // serial; 0: no bus, so none was sent
    std::string buffer_;
    std::deque<Message> kept_;
};

// "unix:path=/run/a%20b;..." -> paths. What isn't a path of a socket is left out.
std::vector<std::string> socket_paths(std::string_view address);

constexpr std::string_view private_socket = "/run/systemd/private";

} // namespace hull::kernel::cgroup::systemd
