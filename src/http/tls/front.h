// TLS in front of a server that knows none: accepts connections from a network,
// shakes hands, and gives the server one end of a socket pair per client, so
// that everything behind it (streams, hijack, the keeper) works as on a unix
// socket. A thread per connection copies, for only clients whose certificate is
// good get that far; those who shake hands are bounded in number and time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/tls/context.h"

namespace hull::http {

struct TlsLimits {
    size_t connections = 1024; // more are closed at once
    size_t handshakes = 64;    // at the same time; more wait to be accepted
    int64_t handshake_ns = 10'000'000'000;
};

class TlsFront {
public:
    // adopt gets plain ends, from threads of its own, until stop() returns.
    static Result<std::unique_ptr<TlsFront>> start(std::vector<UniqueFd> listeners,
                                                   std::shared_ptr<const TlsContext> context,
                                                   std::function<void(UniqueFd)> adopt, TlsLimits limits = {});
    virtual ~TlsFront() = default; // stops

    // For connections from now on.
    virtual void replace(std::shared_ptr<const TlsContext> context) = 0;
    virtual std::shared_ptr<const TlsContext> context() const = 0;
    // No new connections; those that are open end, whatever they carry.
    virtual void stop() = 0;
};

} // namespace hull::http
