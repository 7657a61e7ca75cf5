// The client's side of TLS, as Docker's clients speak to an engine: 1.2 and newer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/tls/relay.h"

namespace hull::http {

struct TlsClient {
    std::string host;             // name or address that the server's certificate must be for
    bool verify = true;           // false: any server will do
    std::string authority;        // PEM file of whom to trust; empty: the system's
    std::string certificate, key; // PEM files to show; empty: none
};

// Over a connected socket. Errors: invalid_argument with the path of a file that
// can't be read or doesn't fit the other, else as TlsRelay.
Result<std::unique_ptr<TlsRelay>> greet_tls_server(UniqueFd socket, const TlsClient& client, int64_t deadline_ns);

} // namespace hull::http
