// Meets the challenges of one endpoint: Basic, or bearer tokens of a token
// service. Credentials go to the endpoint and to the token service that it
// names, to nobody else. Thread-safe; a token is fetched once, whoever waits.
// Source: docs/spec/auth/{token,oauth}.md of the distribution project.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "registry/challenge.h"
#include "registry/transport.h"

namespace hull::registry {

// "repository:library/busybox:pull", in the order in which they are asked for.
using Scopes = std::vector<std::string>;

class Authorizer {
public:
    // transport outlives it.
    Authorizer(Transport& transport, const Endpoint& endpoint, Credentials credentials)
        : transport_(transport), endpoint_(endpoint), credentials_(std::move(credentials)) {}

    // The Authorization header, as far as it is known what is wanted; else empty.
    Result<std::string> header(const Scopes& scopes, const std::stop_token& stop);
    // After a 401 to a request that carried sent: whether another try makes sense.
    // Errors: forbidden (code() 401 or 403), those of the transport.
    Result<bool> meet(const Answer& refused, const std::string& sent, const Scopes& scopes,
                      const std::stop_token& stop);

    // Ask token services for a refresh token too (docker login).
    void want_refresh_token() { offline_ = true; }
    const std::string& refresh_token() const { return refresh_token_; }

private:
    struct Token {
        std::string text;
        int64_t expires_ns = 0; // monotonic
    };
    Result<std::string> token(const Scopes& scopes, const std::stop_token& stop); // mutex_ held
    Result<Token> fetch(const Scopes& scopes, const std::stop_token& stop);
    Result<void> check_realm(const std::string& realm) const;

    Transport& transport_;
    Endpoint endpoint_;
    Credentials credentials_;
    bool offline_ = false;
    std::mutex mutex_;
    std::optional<Challenge> challenge_;
    std::map<Scopes, Token> tokens_;
    std::string refresh_token_;
};

} // namespace hull::registry
