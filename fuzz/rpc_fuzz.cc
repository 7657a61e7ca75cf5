// links: hull_rpc
// A peer that says anything on an HTTP/2 connection, to both sides of one.
#include <cstdint>

#include "rpc/connection.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace {

void say(std::string_view bytes, bool server) {
    auto pair = hull::sys::socket_pair(hull::sys::SocketType::stream);
    if (!pair.ok()) return;
    auto [ours, theirs] = std::move(*pair);
    const std::string preface = server ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
    auto handler = [](const hull::rpc::CallPtr& call) {
        while (auto message = call->receive()) {
            if (!*message) break;
            if (!call->send(**message).ok()) break;
        }
        call->finish({});
    };
    hull::rpc::Limits limits;
    limits.message_bytes = 1000;
    auto connection =
        server ? hull::rpc::Connection::server(std::move(ours), preface + std::string(bytes), handler, limits)
               : hull::rpc::Connection::client(std::move(ours), std::string(bytes), limits);
    if (!connection.ok()) return;
    hull::sys::shut_down_writes(theirs);
    if (!server) (void)(*connection)->unary("/a.B/C", "x");
    (*connection)->wait_closed();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    say({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0] & 1);
    return 0;
}
