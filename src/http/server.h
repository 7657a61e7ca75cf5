// An HTTP/1.1 server for the Engine API: blocking handlers, one thread per
// request that is being answered, none for connections that wait.
//
// Way of a connection: accepted -> parked until bytes come -> header complete ->
// handler runs in a thread of the pool -> parked again (or closed, or hijacked).
// All threads wait in one epoll set; the one that is woken serves the request
// itself, so a request costs one wake-up. Headers that trickle in hold no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/message.h"

namespace hull::http {

struct ServerOptions {
    size_t max_header_bytes = size_t{64} << 10; // 431 beyond
    int64_t header_timeout_ns = 10'000'000'000; // from a request's first byte to its last header; 408 beyond
    int64_t body_timeout_ns = 10'000'000'000;   // for a body that is read whole; 408 beyond
    unsigned spare_threads = 2;                 // kept waiting when idle
    unsigned max_threads = 2048;                // requests answered at the same time; more wait
    size_t stack_bytes = size_t{256} << 10;
};

// The connection itself, after it has left HTTP.
struct Hijacked {
    UniqueFd socket;          // blocking
    std::string already_read; // what the client sent behind its request
};

// A second descriptor of the same connection, for a word on it after the first
// was given away. The connection ends when both are closed.
Result<UniqueFd> duplicate(BorrowedFd socket);
// Bytes on a hijacked connection. Errors: cancelled when the client is gone.
Result<void> send_raw(BorrowedFd socket, std::string_view data);

// One request and its answer. Lives while the handler runs and is used by its
// thread only. A handler calls exactly one of respond(), start_stream() and
// hijack(); one that calls none gets a 500 sent.
class Exchange {
public:
    virtual ~Exchange() = default;

    virtual const Request& request() const = 0;

    // The next bytes of the body, as they come; 0 at its end. Errors: cancelled
    // (the client left), invalid_argument (bad chunks).
    virtual Result<size_t> read_body(std::span<char> into) = 0;
    // The whole body. Errors: too_large, timed_out, those of read_body().
    virtual Result<std::string> read_whole_body(size_t limit) = 0;

    virtual void respond(Response response) = 0;

    // An answer of unknown length. The headers, and each write, are on their way
    // when the call returns. The answer ends when the handler returns.
    virtual Result<void> start_stream(int status, Headers headers) = 0;
    virtual Result<void> write(std::string_view data) = 0; // cancelled: the client left
    // Breaks the connection when the handler returns, so that the client sees
    // that a stream did not come to its proper end.
    virtual void abort_stream() = 0;

    // Answers 101 when the client asked for an upgrade, else 200, and gives the
    // connection away. A body that belongs to the request is skipped first.
    virtual Result<Hijacked> hijack(Headers headers) = 0;

    virtual bool answered() const = 0;
    // Of the answer; 0 before there is one.
    virtual int answered_status() const = 0;

    // Calls gone, from another thread, when the client closes its connection
    // while the handler runs (at once if it has). It must not block. It is never
    // called after the handler has returned.
    virtual void on_client_gone(std::function<void()> gone) = 0;
};

using Handler = std::function<void(Exchange&)>;

class Server {
public:
    // Serves from now on. The listeners are stream sockets that listen.
    static Result<std::unique_ptr<Server>> start(std::vector<UniqueFd> listeners, Handler handler,
                                                 ServerOptions options = {});
    // Stops.
    virtual ~Server() = default;

    // No new connections; clients that have just connected get window_ns to send
    // their request. Connections whose next request isn't there are closed.
    // Before stop(), so that a client that knows nothing of it loses no request
    // while somebody else keeps the listening sockets.
    virtual void drain(int64_t window_ns) = 0;

    // No new connections; requests that wait for something are told that their
    // client is gone; what still runs after grace_ns loses its connection. Returns
    // when no handler runs. Hijacked connections live on.
    virtual void stop(int64_t grace_ns) = 0;

    // Serves one more connection, made elsewhere; what came over TCP is said so,
    // because browsers of others reach it.
    enum class Arrival : unsigned char { local, network };
    virtual void adopt(UniqueFd socket, Arrival arrival = Arrival::local) = 0;

    struct Counters {
        size_t connections = 0; // open, parked and served
        size_t threads = 0;
    };
    virtual Counters counters() const = 0;
};

} // namespace hull::http
