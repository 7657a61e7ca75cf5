// What a TLS listener proves itself with, and whom it lets in: mutual TLS, 1.2
// and newer. Immutable, so that it can be replaced while connections use it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_ctx_st;

namespace hull::http {

struct TlsFiles { // paths of PEM files
    std::string certificate, key;
    std::string client_authority; // whose certificates clients must show
};

class TlsContext {
public:
    // Errors: with the path of the file that is missing, malformed, or doesn't
    // belong to the others.
    static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Whether a client may call this server by that name or address in its Host
    // header: the certificate is for it, or it can't be anybody else's name (an
    // address, localhost). Keeps out pages of browsers that have their own name
    // resolve to us. host may have a port.
    bool is_own_name(std::string_view host) const;

    ssl_ctx_st* native() const { return native_; } // internal to http/tls

private:
    explicit TlsContext(ssl_ctx_st* native) : native_(native) {}
    ssl_ctx_st* native_;
};

// "Host:port", "[::1]:port", "host": without port and brackets.
std::string_view host_of_authority(std::string_view authority);

} // namespace hull::http
