// How the engine at an address is reached: directly, over ssh or over TLS.
#pragma once

#include <string>

#include "apps/hull/client/config_file.h"
#include "base/result.h"
#include "http/client.h"

namespace hull::cli {

// What --tls, --tlsverify and their files say; empty: not given.
struct TlsFlags {
    bool tls = false, verify = false, verify_given = false;
    std::string authority, certificate, key;
};

// With DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH and the files of a context
// (config_folder/contexts/tls), as Docker's client reads them. Errors:
// invalid_argument, not_found (a file).
Result<http::Endpoint> reach_engine(const EngineAddress& address, const TlsFlags& flags,
                                    const std::string& config_folder);

} // namespace hull::cli
