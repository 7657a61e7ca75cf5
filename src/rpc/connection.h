// gRPC over HTTP/2 on a connected socket, both sides of it: messages are bytes,
// what they mean is the caller's. HTTP/2 itself is nghttp2's.
//
// Lifecycle: Connection::client() or server() takes the socket -> call()s, or
// the handler gets calls -> close(), or the peer goes. A call that is under way
// then ends with unavailable. One thread of the connection moves bytes; callers
// block on their own calls only.
//
// Memory: what the peer sends waits in windows of Limits until it is received;
// what is sent to a peer that doesn't read blocks its sender.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "rpc/status.h"

namespace hull::rpc {

using Metadata = std::vector<std::pair<std::string, std::string>>; // names in lower case

struct Limits {
    size_t message_bytes = size_t{16} << 20;    // of one message that comes
    uint32_t stream_window = uint32_t{1} << 20; // bytes of a call that wait to be received
    uint32_t connection_window = uint32_t{4} << 20;
    uint32_t streams = 100;                 // calls of the peer at the same time
    size_t send_buffer = size_t{256} << 10; // of a call, before send() blocks
    size_t header_bytes = size_t{64} << 10; // of a call's headers
};

class Http2; // internal
struct Stream;

// One call, from either side. Letting go of one that isn't over cancels it.
// Thread-safe; one thread sends and one receives at a time.
class Call {
public:
    Call(std::shared_ptr<Http2> http2, std::shared_ptr<Stream> stream)
        : http2_(std::move(http2)), stream_(std::move(stream)) {}
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Of a call that came: "/package.Service/Method", and what it came with.
    const std::string& path() const;
    const Metadata& metadata() const;
    std::string_view metadata(std::string_view name) const; // the first; empty: none

    Result<void> send(std::string_view message);
    // The same, when more follows: it goes with what is sent next, at the latest when receive() waits.
    Result<void> send_soon(std::string_view message);
    // No more messages from this side (the client's; a server finishes).
    Result<void> end_sending();
    // The next message; nullopt: the other side has no more, and the call went
    // well. Errors: what the call ended with.
    Result<std::optional<std::string>> receive();
    // Ends a call that came.
    void finish(const Result<void>& result);
    void cancel();
    // Returns when the call is over: finished, cancelled by either side, or the connection gone.
    void wait_over();

private:
    std::shared_ptr<Http2> http2_;
    std::shared_ptr<Stream> stream_;
};
using CallPtr = std::shared_ptr<Call>;

// Runs in a thread of its own for each call that comes, and finishes it.
using CallHandler = std::function<void(const CallPtr&)>;

class Connection {
public:
    // early: bytes of the peer that were read already.
    static Result<std::shared_ptr<Connection>> client(UniqueFd socket, std::string early, Limits limits = {});
    static Result<std::shared_ptr<Connection>> server(UniqueFd socket, std::string early, CallHandler handler,
                                                      Limits limits = {});
    // Closes.
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // path: "/package.Service/Method".
    Result<CallPtr> call(const std::string& path, const Metadata& metadata = {});
    // One message there, one back.
    Result<std::string> unary(const std::string& path, std::string_view request, const Metadata& metadata = {});

    void close();
    bool closed() const;
    // Returns when it is.
    void wait_closed();
    // Called once when the connection has ended, at once if it has; must not
    // block. It may let go of this object.
    void on_closed(std::function<void()> closed);

private:
    explicit Connection(std::shared_ptr<Http2> http2) : http2_(std::move(http2)) {}
    std::shared_ptr<Http2> http2_;
};

} // namespace hull::rpc
