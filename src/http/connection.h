// One connection of the server, and the exchange that answers one request on it.
// Internal to http/.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "http/request_parser.h"
#include "http/server.h"

namespace hull::http {

class Connection {
public:
    Connection(uint64_t name, UniqueFd socket) : name_(name), socket_(std::move(socket)) {}

    uint64_t name() const { return name_; }
    BorrowedFd socket() const { return socket_; }
    UniqueFd take_socket() { return std::move(socket_); }

    enum class Input : unsigned char { incomplete, complete, closed };
    // Takes what has arrived, without waiting, and parses as far as it goes.
    // Errors: those of RequestParser::feed_header().
    Result<Input> read_header(size_t max_header_bytes);
    bool has_pending_bytes() const { return !input_.empty(); }
    // Part of a request is there, but not its whole header.
    bool mid_header() const { return parser_.has_value() && !parser_->header_done(); }

    RequestParser& parser() { return *parser_; }
    void finish_request();
    // No request was answered on it yet: its client is about to send one.
    bool is_new() const { return is_new_; }
    // Bytes behind the header that nobody has consumed.
    std::string& input() { return input_; }

    // The callback is called at most once, and never after clear_gone().
    void set_gone(std::function<void()> gone);
    void notify_gone();
    void clear_gone();

    bool from_network = false; // set before the first request is read

    // Bookkeeping of the server, under its lock.
    enum class State : unsigned char { parked, busy, watched };
    State state = State::busy;
    bool registered = false; // in the epoll set
    int64_t header_deadline_ns = 0;

private:
    uint64_t name_;
    UniqueFd socket_;
    std::string input_;
    std::optional<RequestParser> parser_;
    bool is_new_ = true;

    std::mutex gone_mutex_;
    bool gone_ = false;
    std::function<void()> on_gone_;
};

// What an exchange needs of the server it belongs to.
class ConnectionHost {
public:
    virtual ~ConnectionHost() = default;
    // Calls connection.notify_gone() when its client leaves.
    virtual void watch(Connection& connection) = 0;
    // The socket is about to be given away: forget it.
    virtual void release(Connection& connection) = 0;
};

class ConnectionExchange final : public Exchange {
public:
    ConnectionExchange(Connection& connection, const ServerOptions& options, ConnectionHost& host);

    const Request& request() const override { return request_; }
    Result<size_t> read_body(std::span<char> into) override { return read_body_until(into, 0); }
    Result<std::string> read_whole_body(size_t limit) override;
    void respond(Response response) override;
    Result<void> start_stream(int status, Headers headers) override;
    Result<void> write(std::string_view data) override;
    void abort_stream() override { broken_ = true; }
    Result<Hijacked> hijack(Headers headers) override;
    bool answered() const override { return phase_ != Phase::open; }
    int answered_status() const override { return status_; }
    void on_client_gone(std::function<void()> gone) override;

    enum class After : unsigned char { keep, close, hijacked };
    // Ends the answer; what is to become of the connection.
    After finish();

private:
    enum class Phase : unsigned char { open, done, streaming, hijacked };

    Result<size_t> read_body_until(std::span<char> into, int64_t deadline_ns);
    Result<void> send_continue();
    // Whether the rest of the body is out of the way, so that a next request can follow.
    bool skip_body();
    void linger();
    std::string head(int status, const Headers& headers) const;

    Connection& connection_;
    const ServerOptions& options_;
    ConnectionHost& host_;
    Request request_;
    Phase phase_ = Phase::open;
    int status_ = 0;
    bool keep_alive_;
    bool awaits_continue_;
    size_t body_read_size_ = 4096;
    bool chunked_ = false;
    bool broken_ = false;
};

} // namespace hull::http
