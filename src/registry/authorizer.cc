#include "registry/authorizer.h"

#include <algorithm>

#include "codec/json.h"
#include "http/uri.h"
#include "registry/failure.h"

namespace hull::registry {

namespace {

struct TokenAnswer {
    std::string token, access_token, refresh_token;
    int64_t expires_in = 0; // seconds
};

constexpr int64_t least_life_s = 60, most_life_s = 24 * 3600;

} // namespace

} // namespace hull::registry

template <>
struct hull::json::Fields<hull::registry::TokenAnswer> {
    using T = hull::registry::TokenAnswer;
    static constexpr auto list =
        std::tuple{field("token", &T::token), field("access_token", &T::access_token),
                   field("refresh_token", &T::refresh_token), field("expires_in", &T::expires_in)};
};

namespace hull::registry {

Result<std::string> Authorizer::header(const Scopes& scopes, const std::stop_token& stop) {
    if (!credentials_.registry_token.empty()) return "Bearer " + credentials_.registry_token;
    std::lock_guard held(mutex_);
    if (!challenge_) return std::string();
    if (challenge_->scheme == Challenge::Scheme::basic) return basic_authorization(credentials_);
    return token(scopes, stop);
}

Result<bool> Authorizer::meet(const Answer& refused, const std::string& sent, const Scopes& scopes,
                              const std::stop_token& stop) {
    if (!credentials_.registry_token.empty()) return false;
    std::vector<Challenge> challenges = challenges_of(refused.headers);
    auto bearer = std::find_if(challenges.begin(), challenges.end(),
                               [](const Challenge& c) { return c.scheme == Challenge::Scheme::bearer; });
    auto chosen = bearer != challenges.end() ? bearer : challenges.begin();
    if (chosen == challenges.end()) return false;
    std::lock_guard held(mutex_);
    if (chosen->scheme == Challenge::Scheme::basic) {
        if (credentials_.username.empty())
            return Error(ErrorKind::forbidden, "Get \"" + refused.url + "\": no basic auth credentials").with_code(401);
        if (sent == basic_authorization(credentials_)) return false;
        challenge_ = *chosen;
        return true;
    }
    challenge_ = *chosen;
    // Another thread may have got a newer one meanwhile.
    if (auto known = tokens_.find(scopes); known != tokens_.end()) {
        if (sent != "Bearer " + known->second.text) return true;
        tokens_.erase(known);
        // It was new a moment ago and isn't enough: asking again gives the same.
        if (chosen->error == "insufficient_scope") return false;
    }
    TRY(token(scopes, stop).context("Get \"" + refused.url + "\""));
    return true;
}

Result<std::string> Authorizer::token(const Scopes& scopes, const std::stop_token& stop) {
    auto known = tokens_.find(scopes);
    if (known == tokens_.end() || known->second.expires_ns <= monotonic_ns()) {
        Token fresh = TRY(fetch(scopes, stop));
        known = tokens_.insert_or_assign(scopes, std::move(fresh)).first;
    }
    return "Bearer " + known->second.text;
}

// The registry chooses the realm, so it must not get what was meant for HTTPS in
// the clear.
Result<void> Authorizer::check_realm(const std::string& realm) const {
    if (origin_of(realm).empty()) return invalid("the registry names no usable token service: realm \"" + realm + "\"");
    if (endpoint_.url.starts_with("https://") && realm.starts_with("http://") && !credentials_.empty() &&
        endpoint_.verified)
        return Error(ErrorKind::forbidden, "credentials are not sent to " + origin_of(realm) +
                                               ": the registry uses HTTPS, its token service does not");
    return {};
}

Result<Authorizer::Token> Authorizer::fetch(const Scopes& scopes, const std::stop_token& stop) {
    TRY(check_realm(challenge_->realm));
    Request request;
    request.verified = endpoint_.verified;
    std::string form = "service=" + http::percent_encode(challenge_->service);
    const bool with_identity = !credentials_.identity_token.empty();
    if (with_identity) {
        std::string all;
        for (const std::string& scope : scopes) all.append(all.empty() ? "" : " ").append(scope);
        form += "&grant_type=refresh_token&client_id=docker&scope=" + http::percent_encode(all) +
                "&refresh_token=" + http::percent_encode(credentials_.identity_token);
        request.method = "POST";
        request.url = challenge_->realm;
        request.body = form;
        request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    } else {
        for (const std::string& scope : scopes) form += "&scope=" + http::percent_encode(scope);
        if (offline_) form += "&offline_token=true&client_id=docker";
        if (!credentials_.username.empty()) {
            form += "&account=" + http::percent_encode(credentials_.username);
            request.headers.add("Authorization", basic_authorization(credentials_));
        }
        request.url = challenge_->realm + (challenge_->realm.find('?') == std::string::npos ? "?" : "&") + form;
    }
    Answer answer = TRY(transport_.perform(std::move(request), stop));
    if (answer.status < 200 || answer.status > 299) return error_of(failure_of(answer));
    auto parsed = json::parse(answer.body, {.max_depth = 16, .max_bytes = size_t{1} << 20});
    if (!parsed.ok() || !parsed->is_object()) return invalid("the token service's answer is not JSON");
    auto got = TRY(json::decode<TokenAnswer>(*parsed).context("the token service's answer"));
    const std::string& text = got.token.empty() ? got.access_token : got.token;
    if (text.empty()) return invalid("authorization server did not include a token in the response");
    if (text.find_first_of("\r\n") != text.npos) return invalid("the token service's token holds a line break");
    if (!got.refresh_token.empty()) refresh_token_ = got.refresh_token;
    int64_t life = std::clamp(got.expires_in, least_life_s, most_life_s);
    // A little less: it travels, and clocks differ.
    return Token{text, monotonic_ns() + (life - life / 10) * 1'000'000'000};
}

} // namespace hull::registry
