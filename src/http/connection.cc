#include "http/connection.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/clock.h"
#include "sys/nonblocking.h"
#include "sys/stream_socket.h"

namespace hull::http {

namespace {

constexpr size_t head_read_size = 4096;
constexpr size_t max_read_size = size_t{64} << 10;
// An unread body up to this size is read away so that the connection can be
// kept; beyond that closing is cheaper.
constexpr size_t skip_limit = size_t{256} << 10;
constexpr int64_t skip_time_ns = 1'000'000'000;
constexpr int64_t linger_time_ns = 500'000'000;

std::string date_line() {
    time_t now = static_cast<time_t>(wall_now().ns / 1'000'000'000);
    tm utc{};
    gmtime_r(&now, &utc);
    std::array<char, 64> buffer{};
    size_t n = std::strftime(buffer.data(), buffer.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    return {buffer.data(), n};
}

bool status_has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

} // namespace

Result<UniqueFd> duplicate(BorrowedFd socket) { return sys::duplicate(socket); }

Result<void> send_raw(BorrowedFd socket, std::string_view data) {
    std::array<std::string_view, 1> parts{data};
    return sys::send_all(socket, parts);
}

Result<Connection::Input> Connection::read_header(size_t max_header_bytes) {
    for (;;) {
        if (!input_.empty()) {
            if (!parser_) parser_.emplace(max_header_bytes);
            size_t used = TRY(parser_->feed_header(input_));
            input_.erase(0, used);
            if (parser_->header_done()) return Input::complete;
        }
        if (input_.size() > max_header_bytes) return Error(ErrorKind::too_large, "the request's headers are too large");
        size_t before = input_.size();
        input_.resize(before + head_read_size);
        auto n = sys::receive_now(socket_, std::span(input_).subspan(before));
        input_.resize(before + (n.ok() && *n ? **n : 0));
        if (!n.ok()) return std::move(n).error();
        if (!*n) return Input::incomplete;
        if (**n == 0) return Input::closed;
    }
}

void Connection::finish_request() {
    parser_.reset();
    is_new_ = false;
    if (input_.empty()) input_ = std::string(); // parked connections hold no buffer
}

void Connection::set_gone(std::function<void()> gone) {
    std::lock_guard lock(gone_mutex_);
    on_gone_ = std::move(gone);
    if (gone_ && on_gone_) std::exchange(on_gone_, nullptr)();
}

void Connection::notify_gone() {
    std::lock_guard lock(gone_mutex_);
    gone_ = true;
    if (on_gone_) std::exchange(on_gone_, nullptr)();
}

void Connection::clear_gone() {
    std::lock_guard lock(gone_mutex_);
    on_gone_ = nullptr;
}

ConnectionExchange::ConnectionExchange(Connection& connection, const ServerOptions& options, ConnectionHost& host)
    : connection_(connection), options_(options), host_(host), request_(connection.parser().take_request()),
      keep_alive_(request_.keep_alive),
      awaits_continue_(request_.headers.has_token("Expect", "100-continue") && !request_.http_1_0) {
    request_.from_network = connection.from_network;
}

Result<void> ConnectionExchange::send_continue() {
    if (!awaits_continue_) return {};
    awaits_continue_ = false;
    std::array<std::string_view, 1> parts{"HTTP/1.1 100 Continue\r\n\r\n"};
    return sys::send_all(connection_.socket(), parts);
}

Result<size_t> ConnectionExchange::read_body_until(std::span<char> into, int64_t deadline_ns) {
    RequestParser& parser = connection_.parser();
    std::string& input = connection_.input();
    while (!parser.body_done()) {
        if (!input.empty()) {
            auto decoded = TRY(parser.decode(input, into));
            input.erase(0, decoded.consumed);
            if (decoded.produced > 0) return decoded.produced;
            if (decoded.consumed > 0) continue;
        }
        TRY(send_continue());
        size_t before = input.size();
        input.resize(before + body_read_size_);
        auto n = sys::receive(connection_.socket(), std::span(input).subspan(before), deadline_ns);
        input.resize(before + (n.ok() ? *n : 0));
        // Small for bodies that trickle, large for archives.
        if (n.ok() && *n == body_read_size_) body_read_size_ = std::min(body_read_size_ * 2, max_read_size);
        if (!n.ok()) return std::move(n).error().context("read the request's body");
        if (*n == 0) return Error(ErrorKind::cancelled, "the client left before its request was complete");
    }
    return size_t{0};
}

Result<std::string> ConnectionExchange::read_whole_body(size_t limit) {
    auto too_large = [&] {
        return Error(ErrorKind::too_large,
                     "the request's body is larger than the " + std::to_string(limit) + " bytes allowed");
    };
    std::string_view length = request_.headers.get("Content-Length");
    // Refuse before the client has sent it all; the parser has checked that this is a number.
    if (length.size() > 18 || (!length.empty() && std::stoull(std::string(length)) > limit)) return too_large();
    int64_t deadline = monotonic_ns() + options_.body_timeout_ns;
    std::string body;
    std::array<char, 16384> buffer; // NOLINT: filled before it is read
    for (;;) {
        size_t n = TRY(read_body_until(buffer, deadline));
        if (n == 0) return body;
        if (body.size() + n > limit) return too_large();
        body.append(buffer.data(), n);
    }
}

bool ConnectionExchange::skip_body() {
    RequestParser& parser = connection_.parser();
    if (parser.body_done()) return true;
    if (awaits_continue_) return false; // whether the body follows is anybody's guess
    int64_t deadline = monotonic_ns() + skip_time_ns;
    std::array<char, 16384> buffer; // NOLINT: never read
    for (size_t skipped = 0; skipped < skip_limit;) {
        auto n = read_body_until(buffer, deadline);
        if (!n.ok()) return false;
        if (*n == 0) return true;
        skipped += *n;
    }
    return false;
}

// Closing with unread bytes resets the connection, and the client may lose the
// answer. So: end our side, and read on for a moment.
void ConnectionExchange::linger() {
    sys::shut_down_writes(connection_.socket());
    int64_t deadline = monotonic_ns() + linger_time_ns;
    std::array<char, 16384> buffer; // NOLINT: never read
    for (;;) {
        auto n = sys::receive(connection_.socket(), buffer, deadline);
        if (!n.ok() || *n == 0) return;
    }
}

std::string ConnectionExchange::head(int status, const Headers& headers) const {
    std::string out;
    out.reserve(512);
    out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_of(status)).append("\r\n");
    for (const Header& line : headers) out.append(line.name).append(": ").append(line.value).append("\r\n");
    out.append(date_line());
    return out;
}

void ConnectionExchange::respond(Response response) {
    if (answered()) return;
    phase_ = Phase::done;
    status_ = response.status;
    std::string text = head(response.status, response.headers);
    if (!status_has_no_body(response.status))
        text.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    bool body_out_of_the_way = connection_.parser().body_done();
    if (!body_out_of_the_way && (awaits_continue_ || response.status >= 400)) keep_alive_ = false;
    if (!keep_alive_)
        text.append("Connection: close\r\n");
    else if (request_.http_1_0)
        text.append("Connection: keep-alive\r\n");
    text.append("\r\n");
    bool with_body = request_.method != Method::head && !status_has_no_body(response.status);
    std::array<std::string_view, 2> parts{text, with_body ? std::string_view(response.body) : std::string_view{}};
    if (!sys::send_all(connection_.socket(), parts).ok()) broken_ = true;
}

Result<void> ConnectionExchange::start_stream(int status, Headers headers) {
    if (answered()) return Error(ErrorKind::internal, "the request was answered already");
    phase_ = Phase::streaming;
    status_ = status;
    chunked_ = !request_.http_1_0;
    std::string text = head(status, headers);
    if (chunked_) text.append("Transfer-Encoding: chunked\r\n");
    if (!chunked_) keep_alive_ = false;
    if (!keep_alive_) text.append("Connection: close\r\n");
    text.append("\r\n");
    std::array<std::string_view, 1> parts{text};
    auto sent = sys::send_all(connection_.socket(), parts);
    if (!sent.ok()) broken_ = true;
    return sent;
}

Result<void> ConnectionExchange::write(std::string_view data) {
    if (phase_ != Phase::streaming) return Error(ErrorKind::internal, "write to an answer that is no stream");
    if (data.empty() || request_.method == Method::head) return {};
    std::array<char, 24> size{};
    int n = std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
    std::array<std::string_view, 3> parts{std::string_view{}, data, std::string_view{}};
    if (chunked_) {
        parts[0] = {size.data(), static_cast<size_t>(n)};
        parts[2] = "\r\n";
    }
    auto sent = sys::send_all(connection_.socket(), parts);
    if (!sent.ok()) broken_ = true;
    return sent;
}

Result<Hijacked> ConnectionExchange::hijack(Headers headers) {
    if (answered()) return Error(ErrorKind::internal, "the request was answered already");
    if (!skip_body()) return Error(ErrorKind::invalid_argument, "the request's body is in the way of its stream");
    bool upgrade = request_.headers.has_token("Connection", "Upgrade") && request_.headers.has("Upgrade");
    if (upgrade) {
        headers.set("Connection", "Upgrade");
        if (!headers.has("Upgrade")) headers.set("Upgrade", "tcp");
    }
    std::string text("HTTP/1.1 ");
    text.append(upgrade ? "101 UPGRADED\r\n" : "200 OK\r\n");
    for (const Header& line : headers) text.append(line.name).append(": ").append(line.value).append("\r\n");
    text.append("\r\n");
    std::array<std::string_view, 1> parts{text};
    TRY(sys::send_all(connection_.socket(), parts));
    // docker-py and others read the head through a buffer and drop what it holds
    // beyond: the stream must not follow on the head's heels.
    constexpr int patience_us = 20'000;
    sys::await_taken(connection_.socket(), patience_us);
    phase_ = Phase::hijacked;
    status_ = upgrade ? 101 : 200;
    connection_.clear_gone();
    host_.release(connection_);
    std::string already_read = std::exchange(connection_.input(), {});
    return Hijacked{connection_.take_socket(), std::move(already_read)};
}

void ConnectionExchange::on_client_gone(std::function<void()> gone) {
    if (phase_ == Phase::hijacked) return;
    connection_.set_gone(std::move(gone));
    host_.watch(connection_);
}

ConnectionExchange::After ConnectionExchange::finish() {
    connection_.clear_gone();
    if (phase_ == Phase::hijacked) return After::hijacked;
    if (phase_ == Phase::open)
        respond({500, {{"Content-Type", "text/plain; charset=utf-8"}}, "the request was not answered\n"});
    if (phase_ == Phase::streaming && chunked_ && !broken_ && request_.method != Method::head) {
        std::array<std::string_view, 1> parts{"0\r\n\r\n"};
        if (!sys::send_all(connection_.socket(), parts).ok()) broken_ = true;
    }
    if (broken_) return After::close;
    if (!connection_.parser().body_done() && (!keep_alive_ || !skip_body())) {
        linger();
        return After::close;
    }
    return keep_alive_ ? After::keep : After::close;
}

} // namespace hull::http
