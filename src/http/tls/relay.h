// One TLS connection and its copying to a plain socket. Internal to http/tls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/tls/context.h"

struct ssl_st;

namespace hull::http {

class TlsRelay {
public:
    virtual ~TlsRelay() = default;

    // Errors: timed_out at the deadline (CLOCK_MONOTONIC ns), cancelled when stop
    // is raised, forbidden when the client isn't let in.
    static Result<std::unique_ptr<TlsRelay>> shake_hands(UniqueFd socket, const TlsContext& context, BorrowedFd stop,
                                                         int64_t deadline_ns);
    // As client: ssl is taken, ready but for the socket. Errors as above, with what
    // the other side or the verification said.
    static Result<std::unique_ptr<TlsRelay>> greet(UniqueFd socket, ssl_st* ssl, int64_t deadline_ns);
    // Copies both ways until both have ended, one broke off, or stop is raised. A
    // half-close (close_notify) on one side is one on the other; a connection
    // that breaks off without it is no half-close: plain is closed at once.
    virtual void run(UniqueFd plain, BorrowedFd stop) = 0;
    // What run() ended of, when the other side refused to go on; else empty.
    virtual std::string complaint() const = 0;
};

} // namespace hull::http
