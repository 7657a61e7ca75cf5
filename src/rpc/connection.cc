#include "rpc/connection.h"

#include "rpc/http2.h"
#include "sys/poll.h"

namespace hull::rpc {

namespace {

Result<std::shared_ptr<Http2>> open_http2(UniqueFd socket, std::string early, Side side, CallHandler handler,
                                          Limits limits) {
    auto http2 = std::make_shared<Http2>(std::move(socket), TRY(sys::make_eventfd()), side, std::move(handler), limits);
    TRY(http2->start(std::move(early)).context("begin an HTTP/2 connection"));
    return http2;
}

} // namespace

Call::~Call() { http2_->cancel(*stream_); }

const std::string& Call::path() const { return stream_->path; }
const Metadata& Call::metadata() const { return stream_->headers; }
std::string_view Call::metadata(std::string_view name) const {
    for (const auto& [key, value] : stream_->headers)
        if (key == name) return value;
    return {};
}

Result<void> Call::send(std::string_view message) { return http2_->send(*stream_, message); }
Result<void> Call::send_soon(std::string_view message) { return http2_->send_soon(*stream_, message); }
Result<void> Call::end_sending() { return http2_->end_sending(*stream_); }
Result<std::optional<std::string>> Call::receive() { return http2_->receive(*stream_); }
void Call::finish(const Result<void>& result) {
    if (result.ok())
        http2_->finish(*stream_, Code::ok, "");
    else
        http2_->finish(*stream_, code_of(result.error()), result.error().message());
}
void Call::cancel() { http2_->cancel(*stream_); }
void Call::wait_over() { http2_->wait_over(*stream_); }

Result<std::shared_ptr<Connection>> Connection::client(UniqueFd socket, std::string early, Limits limits) {
    auto http2 = TRY(open_http2(std::move(socket), std::move(early), Side::client, {}, limits));
    return std::shared_ptr<Connection>(new Connection(std::move(http2)));
}

Result<std::shared_ptr<Connection>> Connection::server(UniqueFd socket, std::string early, CallHandler handler,
                                                       Limits limits) {
    auto http2 = TRY(open_http2(std::move(socket), std::move(early), Side::server, std::move(handler), limits));
    return std::shared_ptr<Connection>(new Connection(std::move(http2)));
}

Connection::~Connection() { close(); }

Result<CallPtr> Connection::call(const std::string& path, const Metadata& metadata) {
    auto stream = TRY(http2_->open(path, metadata));
    return std::make_shared<Call>(http2_, std::move(stream));
}

Result<std::string> Connection::unary(const std::string& path, std::string_view request, const Metadata& metadata) {
    auto call = TRY(this->call(path, metadata));
    TRY(call->send(request));
    TRY(call->end_sending());
    auto answer = TRY(call->receive());
    if (!answer) return Error(ErrorKind::unavailable, path + ": no answer");
    auto more = TRY(call->receive());
    if (more) return invalid(path + ": more than one answer");
    return std::move(*answer);
}

void Connection::close() { http2_->close(); }
bool Connection::closed() const { return http2_->closed(); }
void Connection::wait_closed() { http2_->wait_closed(); }
void Connection::on_closed(std::function<void()> closed) { http2_->on_closed(std::move(closed)); }

} // namespace hull::rpc
