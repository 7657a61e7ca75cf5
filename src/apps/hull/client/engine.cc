#include "apps/hull/client/engine.h"

#include <array>
#include <cstdlib>

#include "codec/json.h"
#include "http/uri.h"
#include "sys/sleep.h"

namespace hull::cli {

namespace {

constexpr size_t upload_piece = size_t{256} << 10;

Error cannot_connect(const http::Endpoint& endpoint, const Error& cause) {
    if (cause.code() == EACCES || cause.code() == EPERM)
        return Error(ErrorKind::forbidden, "permission denied while trying to connect to the Docker daemon socket at " +
                                               endpoint.text + ": " + cause.message());
    if (endpoint.kind == http::Endpoint::Kind::program)
        return Error(ErrorKind::unavailable, "error during connect: " + endpoint.text + ": " + cause.message());
    if (cause.kind() == ErrorKind::not_found && endpoint.kind == http::Endpoint::Kind::tcp)
        return Error(ErrorKind::unavailable, "error during connect: " + cause.message());
    return Error(ErrorKind::unavailable,
                 "Cannot connect to the Docker daemon at " + endpoint.text + ". Is the docker daemon running?");
}

bool nobody_listens(const Error& error) {
    return error.code() == ENOENT || error.code() == ECONNREFUSED || error.kind() == ErrorKind::unavailable;
}

ErrorKind kind_of_status(int status) {
    switch (status) {
    case 400: return ErrorKind::invalid_argument;
    case 401:
    case 403: return ErrorKind::forbidden;
    case 404: return ErrorKind::not_found;
    case 409: return ErrorKind::conflict;
    case 501: return ErrorKind::unsupported;
    case 503: return ErrorKind::unavailable;
    default: return ErrorKind::internal;
    }
}

} // namespace

Query& Query::add(std::string_view name, std::string_view value) {
    text_.append(text_.empty() ? "?" : "&").append(name).append("=").append(http::percent_encode(value));
    return *this;
}
Query& Query::add_if(bool wanted, std::string_view name, std::string_view value) {
    return wanted ? add(name, value) : *this;
}
Query& Query::add_unless_empty(std::string_view name, std::string_view value) {
    return add_if(!value.empty(), name, value);
}

std::string path_part(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        size_t end = name.find_first_of("/:@");
        out += http::percent_encode(name.substr(0, end));
        if (end == name.npos) break;
        out += name[end];
        name.remove_prefix(end + 1);
    }
    return out;
}

Error error_of_answer(int status, const std::string& body) {
    std::string message;
    auto parsed = json::parse(body);
    if (parsed.ok()) message = text(*parsed, "message");
    if (message.empty()) message = body.substr(0, body.find_last_not_of(" \n\r\t") + 1);
    if (message.empty()) message = "status " + std::to_string(status) + " without a message";
    return Error(kind_of_status(status), "Error response from daemon: " + message).with_code(status);
}

Engine::Engine(http::Endpoint endpoint, http::Headers extra_headers, Starter starter)
    : endpoint_(std::move(endpoint)), extra_headers_(std::move(extra_headers)), starter_(std::move(starter)),
      version_(newest_api_version) {
    const char* pinned = std::getenv("DOCKER_API_VERSION");
    if (pinned && *pinned) {
        version_ = pinned[0] == 'v' ? pinned + 1 : pinned;
        version_settled_ = true;
    }
}

Result<http::ClientConnection> Engine::connect(bool fresh) {
    if (!fresh) {
        std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            http::ClientConnection out = std::move(idle_.back());
            idle_.pop_back();
            return out;
        }
    }
    auto connected = http::ClientConnection::connect(endpoint_);
    if (!connected.ok() && starter_ && nobody_listens(connected.error())) {
        Starter start = std::exchange(starter_, nullptr);
        TRY(start(endpoint_));
        connected = http::ClientConnection::connect(endpoint_);
    }
    if (!connected.ok()) return cannot_connect(endpoint_, connected.error());
    return connected;
}

void Engine::keep(http::ClientConnection connection) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
}

http::ClientRequest Engine::request_of(const Call& call) {
    http::ClientRequest request;
    request.method = call.method;
    {
        std::lock_guard lock(mutex_);
        request.target = "/v" + version_ + call.path + call.query;
    }
    for (const auto& header : extra_headers_) request.headers.add(header.name, header.value);
    for (const auto& header : call.headers) request.headers.add(header.name, header.value);
    request.body = call.body;
    if (!call.body.empty() && !call.headers.has("Content-Type"))
        request.headers.add("Content-Type", "application/json");
    request.upgrade_tcp = call.upgrade;
    return request;
}

bool Engine::adopt_version(const std::string& answer) {
    std::lock_guard lock(mutex_);
    constexpr std::string_view marker = "Maximum supported API version is ";
    size_t found = answer.find(marker);
    if (version_settled_ || found == answer.npos || answer.find("too new") == answer.npos) return false;
    size_t begin = found + marker.size();
    size_t end = answer.find_first_not_of("0123456789.", begin);
    std::string offered = answer.substr(begin, end == answer.npos ? end : end - begin);
    while (offered.ends_with('.')) offered.pop_back();
    if (offered.empty()) return false;
    version_ = offered;
    version_settled_ = true;
    return true;
}

Result<Exchange> Engine::begin(Call call) {
    http::ClientConnection c = TRY(connect(call.upgrade));
    http::ClientRequest request = request_of(call);
    auto sent = c.send(request);
    // Its program has said why.
    if (!sent.ok() && endpoint_.kind == http::Endpoint::Kind::program) return cannot_connect(endpoint_, sent.error());
    if (!sent.ok()) { // an idle connection that the engine has closed, or an engine that dies
        c = TRY(connect(true));
        TRY(c.send(request));
    }
    return Exchange(*this, std::move(call), std::move(c));
}

// A reset on a unix socket: it was closed with the request unread (unix(7)).
bool Exchange::may_repeat(const Error& error) const {
    if (streamed_ || error.kind() != ErrorKind::unavailable) return false;
    // Its program has said why.
    if (engine_->endpoint_.kind == http::Endpoint::Kind::program) return false;
    if (error.code() == ECONNRESET && engine_->endpoint_.kind == http::Endpoint::Kind::unix_socket) return true;
    return call_.repeatable || call_.method == http::Method::get || call_.method == http::Method::head;
}

Result<http::ResponseHead> Exchange::head() {
    auto head = connection_->read_head();
    // A dying engine's socket may take connections for some milliseconds more.
    for (sys::Backoff backoff(1000); !head.ok() && may_repeat(head.error()) && backoff.wait();) {
        http::ClientConnection c = TRY(engine_->connect(true));
        auto sent = c.send(engine_->request_of(call_));
        connection_ = std::move(c);
        head = sent.ok() ? connection_->read_head() : Result<http::ResponseHead>(std::move(sent).error());
    }
    if (!head.ok()) return std::move(head).error();
    if (head->status < 400) {
        std::lock_guard lock(engine_->mutex_);
        engine_->version_settled_ = true;
        return head;
    }
    std::string body = TRY(connection_->read_whole_body(size_t{1} << 20));
    if (head->status == 400 && engine_->adopt_version(body)) {
        Exchange again = TRY(engine_->begin(call_));
        *this = std::move(again);
        return this->head();
    }
    return error_of_answer(head->status, body);
}

Result<std::string> Exchange::read_all() {
    std::string body = TRY(connection_->read_whole_body());
    if (connection_->reusable()) engine_->keep(std::move(*connection_));
    return body;
}

Result<Reply> Engine::call(const Call& call) {
    Exchange exchange = TRY(begin(call));
    http::ResponseHead head = TRY(exchange.head());
    Reply reply{head.status, {}, std::move(head.headers)};
    reply.body = TRY(exchange.read_all());
    return reply;
}

Result<Json> Engine::get(const std::string& path, const Query& query) {
    Reply reply = TRY(call({.path = path, .query = query.str(), .body = {}, .headers = {}}));
    return reply.json();
}

Result<Reply> Engine::post(const std::string& path, const Query& query, std::string body) {
    return call(
        {.method = http::Method::post, .path = path, .query = query.str(), .body = std::move(body), .headers = {}});
}

Result<Reply> Engine::remove(const std::string& path, const Query& query) {
    return call({.method = http::Method::delete_, .path = path, .query = query.str(), .body = {}, .headers = {}});
}

// A streamed body can't be sent twice, so the version is settled before.
Result<Exchange> Engine::upload(Call call, const std::function<Result<size_t>(std::span<char>)>& source) {
    TRY(version());
    http::ClientConnection c = TRY(connect(true));
    auto sent = c.begin_upload(request_of(call));
    std::vector<char> piece(upload_piece);
    while (sent.ok()) {
        size_t n = TRY(source(piece));
        sent = n == 0 ? c.end_upload() : c.upload({piece.data(), n});
        if (n == 0) break;
    }
    // When the engine stopped listening, its answer says why.
    Exchange exchange(*this, std::move(call), std::move(c));
    exchange.streamed_ = true;
    return exchange;
}

Result<std::string> Engine::version() {
    {
        std::lock_guard lock(mutex_);
        if (version_settled_) return version_;
    }
    http::ClientConnection c = TRY(connect(false));
    TRY(c.send({.method = http::Method::get, .target = "/_ping", .headers = extra_headers_, .body = {}}));
    http::ResponseHead head = TRY(c.read_head());
    TRY(c.read_whole_body());
    if (c.reusable()) keep(std::move(c));
    std::string offered(head.headers.get("Api-Version"));
    std::lock_guard lock(mutex_);
    int ours = std::atoi(version_.c_str() + 2);
    if (offered.starts_with("1.") && std::atoi(offered.c_str() + 2) < ours) version_ = offered;
    version_settled_ = true;
    return version_;
}

Result<bool> Engine::api_at_least(int major, int minor) {
    std::string v = TRY(version());
    int have_major = std::atoi(v.c_str());
    size_t dot = v.find('.');
    int have_minor = dot == v.npos ? 0 : std::atoi(v.c_str() + dot + 1);
    return have_major > major || (have_major == major && have_minor >= minor);
}

} // namespace hull::cli
