// Who asks a registry: what clients send in X-Registry-Auth and to POST /auth.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::registry {

struct Credentials {
    std::string username, password;
    std::string identity_token; // a refresh token of the registry's token service
    std::string registry_token; // a bearer token, used as it is
    std::string server_address; // of POST /auth
    bool empty() const { return username.empty() && identity_token.empty() && registry_token.empty(); }
};

// The JSON object itself (POST /auth). Errors: invalid_argument.
Result<Credentials> parse_credentials(std::string_view json);
// The header: the object in base64. Empty text: nobody. Errors: invalid_argument.
Result<Credentials> parse_auth_header(std::string_view header);

std::string basic_authorization(const Credentials& credentials); // "Basic ..."

} // namespace hull::registry
