// What a registry says when it refuses, in Docker's words.
// Source: OCI Distribution Specification 1.1, "Error Codes".
#pragma once

#include <string>

#include "registry/transport.h"

namespace hull::registry {

struct Failure {
    int status = 0;
    std::string code;    // "MANIFEST_UNKNOWN"; empty: the answer named none
    std::string message; // "manifest unknown: manifest unknown"
};

Failure failure_of(const Answer& answer);
// Worth another try after a while: 429, 502, 503, 504 and other 5xx.
bool is_temporary(int status);
// What Retry-After asks for, in seconds, at most limit; fallback when there is none.
int retry_after(const Answer& answer, int fallback, int limit);

// The failure as an Error: forbidden with code() 401 or 403 for UNAUTHORIZED and
// DENIED, not_found for BLOB_UNKNOWN, else system.
Error error_of(const Failure& failure);

} // namespace hull::registry
