#include "http/client.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "sys/child_program.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"
#include "sys/tcp.h"

namespace hull::http {

namespace {

constexpr size_t response_read_size = size_t{64} << 10;

Error lost(Error error) {
    return Error(ErrorKind::unavailable, "the connection to the engine was lost: " + error.message())
        .with_code(error.code());
}

// ssh://[user@]host[:port][/path of the engine's socket]: the client over there carries the rest, as Docker's does.
Result<Endpoint> ssh_endpoint(Endpoint out, std::string_view rest) {
    auto bad = [&](const char* why) {
        return Error(ErrorKind::invalid_argument, "ssh host \"" + out.text + "\" is not valid: " + why);
    };
    std::string path;
    if (size_t slash = rest.find('/'); slash != rest.npos) {
        path = rest.substr(slash);
        rest = rest.substr(0, slash);
        if (path == "/") path.clear();
    }
    std::string user;
    if (size_t at = rest.rfind('@'); at != rest.npos) {
        user = rest.substr(0, at);
        rest = rest.substr(at + 1);
        if (user.find(':') != user.npos) return bad("plain-text password is not supported");
        if (user.empty() || user.starts_with('-')) return bad("no user name");
    }
    std::string port;
    size_t colon = rest.rfind(':');
    if (colon != rest.npos && rest.find(']', colon) == rest.npos) {
        port = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
        if (port.empty() || !std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
            return bad("no port");
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    if (rest.empty() || rest.starts_with('-')) return bad("no host specified");
    if (path.find_first_of("'?#\\ ") != path.npos) return bad("extra characters after the host");
    out.kind = Endpoint::Kind::program;
    out.host = "localhost";
    out.program = {"ssh", "-o", "ConnectTimeout=30", "-T"};
    if (!user.empty()) out.program.insert(out.program.end(), {"-l", user});
    if (!port.empty()) out.program.insert(out.program.end(), {"-p", port});
    const std::string host = path.empty() ? "" : "--host unix://" + path + " ";
    const std::string words = host + "system dial-stdio";
    out.program.insert(out.program.end(), {"--", std::string(rest),
                                           "sh -c 'if command -v hull >/dev/null 2>&1; then exec hull " + words +
                                               "; else exec docker " + words + "; fi'"});
    return out;
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    Endpoint out;
    out.text = text;
    size_t scheme_end = text.find("://");
    std::string_view scheme = scheme_end == text.npos ? "tcp" : text.substr(0, scheme_end);
    std::string_view rest = scheme_end == text.npos ? text : text.substr(scheme_end + 3);
    if (scheme == "unix") {
        if (rest.empty()) return Error(ErrorKind::invalid_argument, "invalid host \"" + out.text + "\": no path");
        out.path = rest;
        return out;
    }
    if (scheme == "npipe" || scheme == "fd" || scheme == "https")
        return Error(ErrorKind::unsupported, "host \"" + out.text + "\": hull does not speak " + std::string(scheme) +
                                                 "://, use unix://, tcp:// or ssh://");
    if (scheme == "ssh") return ssh_endpoint(std::move(out), rest);
    if (scheme != "tcp" && scheme != "http")
        return Error(ErrorKind::invalid_argument, "unable to parse docker host `" + out.text + "`");
    rest = rest.substr(0, rest.find('/'));
    size_t colon = rest.rfind(':');
    if (colon != rest.npos && rest.find(']', colon) != rest.npos) colon = rest.npos; // inside [::1]
    out.kind = Kind::tcp;
    out.host = rest.substr(0, colon);
    out.port = colon == rest.npos ? "2375" : rest.substr(colon + 1);
    if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
    if (out.host.empty()) out.host = "localhost";
    if (out.port.empty() || !std::ranges::all_of(out.port, [](char c) { return c >= '0' && c <= '9'; }))
        return Error(ErrorKind::invalid_argument, "unable to parse docker host `" + out.text + "`");
    return out;
}

Result<ClientConnection> ClientConnection::connect(const Endpoint& endpoint) {
    if (endpoint.kind == Endpoint::Kind::unix_socket)
        return ClientConnection(TRY(sys::connect_unix(endpoint.path, sys::SocketType::stream)), "localhost");
    if (endpoint.kind == Endpoint::Kind::program) {
        auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::stream));
        // Of a session of its own, so that what a terminal sends us isn't for it. It ends with the connection.
        sys::ProgramRequest request;
        request.args = endpoint.program;
        request.input = request.output = theirs;
        request.new_session = true;
        TRY(sys::start_program(request).context([&] { return "run " + endpoint.program.front(); }));
        return ClientConnection(std::move(ours), endpoint.host);
    }
    return ClientConnection(TRY(sys::connect_tcp(endpoint.host, endpoint.port)), endpoint.host + ":" + endpoint.port);
}

std::string ClientConnection::head_of(const ClientRequest& request, bool chunked) const {
    std::string head;
    head.reserve(256 + request.body.size());
    head.append(to_string(request.method)).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
    head.append(host_).append("\r\nUser-Agent: hull/" HULL_VERSION " (linux)\r\n");
    for (const Header& h : request.headers) head.append(h.name).append(": ").append(h.value).append("\r\n");
    if (request.upgrade_tcp) head.append("Connection: Upgrade\r\nUpgrade: tcp\r\n");
    bool carries_body = request.method == Method::post || request.method == Method::put || !request.body.empty();
    if (chunked)
        head.append("Transfer-Encoding: chunked\r\n");
    else if (carries_body)
        head.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    return head.append("\r\n");
}

Result<void> ClientConnection::send(const ClientRequest& request) {
    head_request_ = request.method == Method::head;
    reusable_ = false;
    std::string head = head_of(request, false);
    std::array<std::string_view, 2> parts{head, request.body};
    auto sent = sys::send_all(socket_, parts);
    if (!sent.ok()) return lost(std::move(sent).error());
    return {};
}

Result<void> ClientConnection::begin_upload(const ClientRequest& request) {
    head_request_ = false;
    reusable_ = false;
    std::string head = head_of(request, true);
    std::array<std::string_view, 1> parts{head};
    return sys::send_all(socket_, parts);
}

Result<void> ClientConnection::upload(std::string_view piece) {
    if (piece.empty()) return {};
    char size[32];
    int n = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    std::array<std::string_view, 3> parts{std::string_view(size, static_cast<size_t>(n)), piece, "\r\n"};
    return sys::send_all(socket_, parts);
}

Result<void> ClientConnection::end_upload() {
    std::array<std::string_view, 1> parts{"0\r\n\r\n"};
    return sys::send_all(socket_, parts);
}

// Receives more bytes behind what is buffered; 0 at the end of the stream.
Result<size_t> ClientConnection::fill() {
    if (used_ == buffer_.size()) {
        buffer_.clear();
        used_ = 0;
    }
    size_t old = buffer_.size();
    buffer_.resize(old + response_read_size);
    auto got = sys::receive(socket_, std::span(buffer_.data() + old, response_read_size));
    buffer_.resize(old + (got.ok() ? *got : 0));
    if (!got.ok()) return lost(std::move(got).error());
    return *got;
}

Result<ResponseHead> ClientConnection::read_head() {
    for (;;) {
        std::string_view waiting = std::string_view(buffer_).substr(used_);
        if (size_t end = find_head_end(waiting)) {
            ResponseHead head = TRY(parse_response_head(waiting.substr(0, end)));
            used_ += end;
            if (head.status == 100) continue;
            body_ = TRY(BodyDecoder::for_response(head, head_request_));
            reusable_ = !head.http_1_0 && !body_.until_close() && head.status != 101 &&
                        !head.headers.has_token("Connection", "close");
            return head;
        }
        if (waiting.size() > max_response_head)
            return Error(ErrorKind::too_large, "malformed HTTP response: the head is too long");
        if (TRY(fill()) == 0)
            return Error(ErrorKind::unavailable, "the engine closed the connection before it answered");
    }
}

Result<size_t> ClientConnection::read_body(std::span<char> into) {
    while (!body_.done()) {
        BodyDecoder::Step step;
        do {
            std::string_view waiting = std::string_view(buffer_).substr(used_);
            step = TRY(body_.step(waiting.substr(0, into.size())));
            used_ += step.consumed;
            if (!step.payload.empty()) {
                std::memcpy(into.data(), step.payload.data(), step.payload.size());
                return step.payload.size();
            }
        } while (step.consumed > 0 && !body_.done());
        if (body_.done()) break;
        if (TRY(fill()) == 0) TRY(body_.end_of_input());
    }
    return size_t{0};
}

Result<std::string> ClientConnection::read_whole_body(size_t limit) {
    std::string out;
    std::array<char, 16384> piece;
    while (size_t n = TRY(read_body(piece))) {
        if (out.size() + n > limit) return Error(ErrorKind::too_large, "the engine's answer is too long");
        out.append(piece.data(), n);
    }
    return out;
}

ClientConnection::RawStream ClientConnection::take_stream() && {
    RawStream stream{std::move(socket_), buffer_.substr(used_)};
    buffer_.clear();
    used_ = 0;
    return stream;
}

} // namespace hull::http
