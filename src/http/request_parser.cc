#include "http/request_parser.h"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace hull::http {

namespace {

namespace beast = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

Error to_error(boost::beast::error_code ec) {
    if (ec == beast::error::header_limit)
        return Error(ErrorKind::too_large, "the request's headers are too large").with_code(E2BIG);
    if (ec == beast::error::bad_version)
        return Error(ErrorKind::unsupported, "this version of HTTP is not supported; use HTTP/1.1");
    return Error(ErrorKind::invalid_argument, "malformed HTTP request: " + ec.message());
}

} // namespace

struct RequestParser::State {
    beast::request_parser<beast::buffer_body> parser;
};

RequestParser::RequestParser(size_t max_header_bytes) : state_(std::make_unique<State>()) {
    state_->parser.header_limit(static_cast<uint32_t>(max_header_bytes));
    state_->parser.body_limit(boost::none); // who reads the body bounds it
}

RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

Result<size_t> RequestParser::feed_header(std::string_view data) {
    boost::beast::error_code ec;
    size_t used = state_->parser.put(boost::asio::const_buffer(data.data(), data.size()), ec);
    if (ec && ec != beast::error::need_more) return to_error(ec);
    return used;
}

bool RequestParser::header_done() const { return state_->parser.is_header_done(); }

Request RequestParser::take_request() {
    const auto& message = state_->parser.get();
    Request request;
    request.method = parse_method(view(message.method_string()));
    request.target = view(message.target());
    request.keep_alive = message.keep_alive();
    request.http_1_0 = message.version() == 10;
    for (const auto& line : message)
        request.headers.add(std::string(view(line.name_string())), std::string(view(line.value())));
    return request;
}

bool RequestParser::has_body() const {
    auto length = state_->parser.content_length();
    return state_->parser.chunked() || (length && *length > 0);
}

Result<RequestParser::Decoded> RequestParser::decode(std::string_view data, std::span<char> into) {
    auto& body = state_->parser.get().body();
    body.data = into.data();
    body.size = into.size();
    Decoded done;
    // A put() stops at every border between chunk header and data; go on until
    // the room is used up, the bytes are, or the body is.
    while (!state_->parser.is_done() && body.size > 0) {
        boost::beast::error_code ec;
        size_t used =
            state_->parser.put(boost::asio::const_buffer(data.data() + done.consumed, data.size() - done.consumed), ec);
        done.consumed += used;
        if (ec == beast::error::need_buffer) break;
        if (ec == beast::error::need_more || (!ec && used == 0)) break;
        if (ec) return to_error(ec);
    }
    done.produced = into.size() - body.size;
    return done;
}

bool RequestParser::body_done() const { return state_->parser.is_done(); }

} // namespace hull::http
