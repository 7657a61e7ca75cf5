#include "http/tls/relay.h"

#include <algorithm>
#include <array>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "sys/nonblocking.h"
#include "sys/ready.h"
#include "sys/stream_socket.h"
#include "sys/tcp.h"

namespace hull::http {

namespace {

constexpr size_t piece = 16384;    // a TLS record
constexpr int farewell_ms = 5'000; // for the client to end after we have

using Wanted = sys::Readiness::Wanted;
using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

std::string reason() {
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* text = code ? ERR_reason_error_string(code) : nullptr;
    return text ? text : "the client left";
}

struct Pipe {                     // bytes on their way in one direction
    std::array<char, piece> data; // NOLINT: filled before it is read
    size_t begin = 0, end = 0;
    bool source_ended = false; // no more will come
    bool ended = false;        // and the other side was told
    bool empty() const { return begin == end; }
};

enum class Step : unsigned char { moved, waits, broke };

class Relay final : public TlsRelay {
public:
    Relay(UniqueFd socket, SslPtr ssl) : socket_(std::move(socket)), ssl_(std::move(ssl)) {}

    Result<void> shake(BorrowedFd stop, int64_t deadline_ns);
    void run(UniqueFd plain, BorrowedFd stop) override;
    std::string complaint() const override { return complaint_; }

private:
    Step outcome(int result, bool& wants_write);
    Step from_network();
    Step to_plain(BorrowedFd plain);
    Step from_plain(BorrowedFd plain);
    Step to_network();
    bool wait(BorrowedFd plain, BorrowedFd stop);
    bool done() const { return in_.ended && out_.ended; }

    UniqueFd socket_;
    SslPtr ssl_;
    Pipe in_, out_; // to the engine; to the client
    bool wants_write_ = false;
    std::string complaint_;
};

Result<void> Relay::shake(BorrowedFd stop, int64_t deadline_ns) {
    for (;;) {
        ERR_clear_error();
        int result = SSL_do_handshake(ssl_.get());
        if (result == 1) return {};
        int why = SSL_get_error(ssl_.get(), result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            const long verified = SSL_is_server(ssl_.get()) ? X509_V_OK : SSL_get_verify_result(ssl_.get());
            if (verified == X509_V_OK) return Error(ErrorKind::forbidden, reason());
            ERR_clear_error();
            return Error(ErrorKind::forbidden,
                         std::string("its certificate can't be trusted: ") + X509_verify_cert_error_string(verified));
        }
        int64_t left = (deadline_ns - monotonic_ns()) / 1'000'000;
        if (left <= 0) return Error(ErrorKind::timed_out, "the handshake took too long");
        std::array<sys::Readiness, 2> entries{
            {{.fd = stop}, {.fd = socket_, .wanted = why == SSL_ERROR_WANT_WRITE ? Wanted::write : Wanted::read}}};
        TRY(sys::wait_ready(entries, static_cast<int>(left)));
        if (entries[0].ready) return Error(ErrorKind::cancelled, "the engine ends");
    }
}

Step Relay::outcome(int result, bool& wants_write) {
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Step::waits;
    case SSL_ERROR_WANT_WRITE: wants_write = true; return Step::waits;
    case SSL_ERROR_SSL: complaint_ = reason(); return Step::broke;
    default: ERR_clear_error(); return Step::broke;
    }
}

Step Relay::from_network() {
    if (!in_.empty() || in_.source_ended) return Step::waits;
    ERR_clear_error();
    int n = SSL_read(ssl_.get(), in_.data.data(), piece);
    if (n > 0) {
        in_.begin = 0;
        in_.end = static_cast<size_t>(n);
        return Step::moved;
    }
    if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN) {
        in_.source_ended = true;
        return Step::moved;
    }
    return outcome(n, wants_write_);
}

Step Relay::to_plain(BorrowedFd plain) {
    if (in_.empty()) {
        if (!in_.source_ended || in_.ended) return Step::waits;
        sys::shut_down_writes(plain);
        in_.ended = true;
        return Step::moved;
    }
    std::array<iovec, 1> parts{{{in_.data.data() + in_.begin, in_.end - in_.begin}}};
    auto n = sys::write_now(plain, parts);
    if (!n.ok()) {
        // Nobody reads any more; what the engine said before still goes out.
        in_.begin = in_.end = 0;
        in_.source_ended = in_.ended = true;
        return Step::moved;
    }
    in_.begin += *n;
    return *n > 0 ? Step::moved : Step::waits;
}

Step Relay::from_plain(BorrowedFd plain) {
    if (!out_.empty() || out_.source_ended) return Step::waits;
    auto n = sys::read_now(plain, out_.data);
    if (!n.ok()) return Step::broke;
    if (!*n) return Step::waits;
    out_.begin = 0;
    out_.end = **n;
    out_.source_ended = **n == 0;
    return Step::moved;
}

Step Relay::to_network() {
    ERR_clear_error();
    if (out_.empty()) {
        if (!out_.source_ended || out_.ended) return Step::waits;
        int result = SSL_shutdown(ssl_.get());
        if (result < 0) return outcome(result, wants_write_);
        sys::shut_down_writes(socket_);
        out_.ended = true;
        return Step::moved;
    }
    int n = SSL_write(ssl_.get(), out_.data.data() + out_.begin, static_cast<int>(out_.end - out_.begin));
    if (n <= 0) return outcome(n, wants_write_);
    out_.begin += static_cast<size_t>(n);
    return Step::moved;
}

// False when it is time to end.
bool Relay::wait(BorrowedFd plain, BorrowedFd stop) {
    std::array<sys::Readiness, 5> entries{{
        {.fd = stop},
        {.fd = in_.empty() && !in_.source_ended ? BorrowedFd(socket_) : BorrowedFd()},
        {.fd = wants_write_ || !out_.empty() ? BorrowedFd(socket_) : BorrowedFd(), .wanted = Wanted::write},
        {.fd = out_.empty() && !out_.source_ended ? plain : BorrowedFd()},
        {.fd = in_.empty() ? BorrowedFd() : plain, .wanted = Wanted::write},
    }};
    // An engine that has closed is not kept open for a client that never does.
    auto ready = sys::wait_ready(entries, out_.ended ? farewell_ms : -1);
    return ready.ok() && *ready && !entries[0].ready;
}

void Relay::run(UniqueFd plain, BorrowedFd stop) {
    if (!sys::set_nonblocking(plain).ok()) return;
    while (!done()) {
        wants_write_ = false;
        std::array<Step, 4> steps{from_network(), to_plain(plain), from_plain(plain), to_network()};
        if (std::find(steps.begin(), steps.end(), Step::broke) != steps.end()) return;
        if (std::find(steps.begin(), steps.end(), Step::moved) != steps.end()) continue;
        if (!wait(plain, stop)) return;
    }
}

} // namespace

Result<std::unique_ptr<TlsRelay>> TlsRelay::shake_hands(UniqueFd socket, const TlsContext& context, BorrowedFd stop,
                                                        int64_t deadline_ns) {
    TRY(sys::set_nonblocking(socket));
    sys::send_at_once(socket);
    SslPtr ssl(SSL_new(context.native()), SSL_free);
    if (!ssl || SSL_set_fd(ssl.get(), socket.get()) != 1) return Error(ErrorKind::internal, "set up TLS: " + reason());
    SSL_set_accept_state(ssl.get());
    auto relay = std::make_unique<Relay>(std::move(socket), std::move(ssl));
    TRY(relay->shake(stop, deadline_ns));
    return std::unique_ptr<TlsRelay>(std::move(relay));
}

Result<std::unique_ptr<TlsRelay>> TlsRelay::greet(UniqueFd socket, ssl_st* taken, int64_t deadline_ns) {
    SslPtr ssl(taken, SSL_free);
    TRY(sys::set_nonblocking(socket));
    sys::send_at_once(socket);
    if (SSL_set_fd(ssl.get(), socket.get()) != 1) return Error(ErrorKind::internal, "set up TLS: " + reason());
    SSL_set_connect_state(ssl.get());
    auto relay = std::make_unique<Relay>(std::move(socket), std::move(ssl));
    TRY(relay->shake(BorrowedFd(), deadline_ns));
    return std::unique_ptr<TlsRelay>(std::move(relay));
}

} // namespace hull::http
