#include "registry/search.h"

#include "codec/json.h"
#include "http/uri.h"

namespace hull::registry {

namespace {

struct SearchAnswer {
    std::vector<Found> results;
};

} // namespace

} // namespace hull::registry

template <>
struct hull::json::Fields<hull::registry::Found> {
    using F = hull::registry::Found;
    static constexpr auto list =
        std::tuple{field("name", &F::name), field("description", &F::description), field("star_count", &F::stars),
                   field("is_official", &F::official), field("is_automated", &F::automated)};
};
template <>
struct hull::json::Fields<hull::registry::SearchAnswer> {
    static constexpr auto list = std::tuple{field("results", &hull::registry::SearchAnswer::results)};
};

namespace hull::registry {

Result<std::vector<Found>> search(Client& client, const std::string& term, int limit, const Credentials& credentials,
                                  const std::stop_token& stop) {
    if (term.find("://") != term.npos)
        return invalid("invalid repository name: repository name (" + term + ") should not have a scheme");
    // Docker's rule: a first part with a dot, a colon, or localhost is a registry.
    std::string domain = "docker.io", words = term;
    size_t slash = term.find('/');
    if (slash != term.npos) {
        std::string first = term.substr(0, slash);
        if (first.find_first_of(".:") != first.npos || first == "localhost") {
            domain = first == "index.docker.io" ? "docker.io" : first;
            words = term.substr(slash + 1);
        }
    }
    if (domain == "docker.io" && words.starts_with("library/")) words.erase(0, 8);
    if (domain.find_first_of(" \r\n@?#\\") != domain.npos) return invalid("invalid registry \"" + domain + "\"");
    std::optional<Error> failed;
    for (const Endpoint& endpoint : endpoints_of(client.config(), domain, Use::push)) {
        Request request;
        request.url = domain == "docker.io" ? "https://index.docker.io" : endpoint.url;
        request.url += "/v1/search?q=" + http::percent_encode(words);
        if (limit > 0) request.url += "&n=" + std::to_string(limit);
        request.verified = endpoint.verified;
        if (!credentials.username.empty()) request.headers.add("Authorization", basic_authorization(credentials));
        auto answer = client.transport().perform(std::move(request), stop);
        if (!answer.ok()) {
            if (!connect_failed(answer.error())) return std::move(answer).error();
            failed = std::move(answer).error();
            continue;
        }
        if (answer->status != 200)
            return Error(ErrorKind::system, "Unexpected status code " + std::to_string(answer->status));
        auto parsed = json::decode_text<SearchAnswer>(answer->body, {.max_depth = 16, .max_bytes = size_t{4} << 20});
        if (!parsed.ok()) return std::move(parsed).error().context("error decoding registry search results");
        return std::move(parsed->results);
    }
    return std::move(*failed);
}

} // namespace hull::registry
