#include "registry/credentials.h"

#include "codec/json.h"
#include "registry/base64.h"

template <>
struct hull::json::Fields<hull::registry::Credentials> {
    using C = hull::registry::Credentials;
    static constexpr auto list = std::tuple{
        field("username", &C::username), field("password", &C::password), field("identitytoken", &C::identity_token),
        field("registrytoken", &C::registry_token), field("serveraddress", &C::server_address)};
};

namespace hull::registry {

namespace {

struct OldForm { // "auth": base64 of user:password, as config.json has it
    std::string auth;
};

constexpr json::Limits credential_limits{.max_depth = 8, .max_bytes = size_t{256} << 10};

} // namespace

} // namespace hull::registry

template <>
struct hull::json::Fields<hull::registry::OldForm> {
    static constexpr auto list = std::tuple{field("auth", &hull::registry::OldForm::auth)};
};

namespace hull::registry {

Result<Credentials> parse_credentials(std::string_view text) {
    json::Value value = TRY(json::parse(text, credential_limits));
    auto credentials = TRY(json::decode<Credentials>(value));
    auto old = TRY(json::decode<OldForm>(value));
    if (credentials.username.empty() && !old.auth.empty()) {
        std::string pair = TRY(base64_decode(old.auth));
        size_t colon = pair.find(':');
        if (colon == pair.npos) return invalid("invalid auth: it holds no user name and password");
        credentials.username = pair.substr(0, colon);
        credentials.password = pair.substr(colon + 1);
    }
    return credentials;
}

Result<Credentials> parse_auth_header(std::string_view header) {
    if (header.empty()) return Credentials();
    std::string text = TRY(base64_decode(header).context("invalid X-Registry-Auth header"));
    return parse_credentials(text).context("invalid X-Registry-Auth header");
}

std::string basic_authorization(const Credentials& credentials) {
    return "Basic " + base64_encode(credentials.username + ":" + credentials.password);
}

} // namespace hull::registry
