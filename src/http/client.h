// HTTP/1.1 client: one connection to an engine, over a unix socket or TCP.
//
//   connect -> send (or begin_upload, upload..., end_upload) -> read_head
//           -> read_body until 0 -> send again while reusable()
//   after a head with status 101, or a raw stream: take_stream()
//
// Blocking, one thread at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/message.h"
#include "http/response_parser.h"

namespace hull::http {

// Where an engine listens: unix:///path, tcp://host:port, or behind a program
// that carries the connection on its standard input and output (ssh, hull-tls).
struct Endpoint {
    enum class Kind : unsigned char { unix_socket, tcp, program } kind = Kind::unix_socket;
    std::string path;                 // of the socket
    std::string host, port;           // of TCP; of a program what the Host header says
    std::vector<std::string> program; // its words
    std::string text;                 // as it was written

    // Errors: invalid_argument; unsupported for schemes Hull does not speak.
    static Result<Endpoint> parse(std::string_view text);
};

struct ClientRequest {
    Method method = Method::get;
    std::string target;       // path and query, percent-encoded
    Headers headers;          // without Host, Content-Length and the like
    std::string body;         // sent with Content-Length
    bool upgrade_tcp = false; // asks for Docker's raw stream ("Upgrade: tcp")
};

class ClientConnection {
public:
    // Errors: unavailable (nobody listens), forbidden (no permission).
    static Result<ClientConnection> connect(const Endpoint& endpoint);
    // Over a connected socket; host: what the Host header says.
    static ClientConnection over(UniqueFd socket, std::string host) { return {std::move(socket), std::move(host)}; }
    ClientConnection(ClientConnection&&) noexcept = default;
    ClientConnection& operator=(ClientConnection&&) noexcept = default;

    Result<void> send(const ClientRequest& request);
    // A request whose body comes in pieces (chunked).
    Result<void> begin_upload(const ClientRequest& request);
    Result<void> upload(std::string_view piece);
    Result<void> end_upload();

    // The final head; 100 Continue is skipped. Errors: unavailable when the peer
    // closed before it answered.
    Result<ResponseHead> read_head();
    // Some bytes of the body; 0 at its end.
    Result<size_t> read_body(std::span<char> into);
    // Error too_large when it is longer than limit bytes.
    Result<std::string> read_whole_body(size_t limit = size_t{256} << 20);
    // Everything of the current answer has been read and another may follow.
    bool reusable() const { return reusable_ && body_.done(); }

    struct RawStream {
        UniqueFd socket;
        std::string early; // bytes that came together with the head
    };
    // Gives the socket away, after read_head().
    RawStream take_stream() &&;
    // For shutting the connection down from another thread.
    BorrowedFd socket() const { return socket_.borrow(); }

private:
    ClientConnection(UniqueFd socket, std::string host) : socket_(std::move(socket)), host_(std::move(host)) {}
    std::string head_of(const ClientRequest& request, bool chunked) const;
    Result<size_t> fill();

    UniqueFd socket_;
    std::string host_;
    std::string buffer_; // received, not used yet: from used_ on
    size_t used_ = 0;
    BodyDecoder body_;
    bool head_request_ = false;
    bool reusable_ = false;
};

} // namespace hull::http
