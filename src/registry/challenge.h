// WWW-Authenticate: what a registry wants to be told before it answers.
// Source: RFC 9110, 11.6.1; docs/spec/auth/token.md of the distribution project.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace hull::registry {

struct Challenge {
    enum class Scheme : unsigned char { basic, bearer } scheme = Scheme::basic;
    std::string realm, service, scope;
    std::string error, error_description; // why a token was not enough (RFC 6750, 3.1)
};

// The challenges of one header line that we know how to meet, in order; what
// can't be read is left out. Never fails: the text is the registry's.
std::vector<Challenge> parse_challenges(std::string_view line);
// Those of all WWW-Authenticate lines of an answer.
std::vector<Challenge> challenges_of(const http::Headers& headers);

} // namespace hull::registry
