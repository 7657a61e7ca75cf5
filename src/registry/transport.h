// One HTTP exchange with a registry (or where it redirects to), by libcurl.
//
// An answer of any status is an Answer; an Error means that there was none:
//   unavailable  could not connect, or the connection broke; code() is 0 when no
//                byte was exchanged (connect_failed()), else it may be tried again
//   cancelled    the stop token
//   whatever a sink or a source returned
// Thread-safe; each call blocks its thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "codec/stream.h"
#include "http/message.h"
#include "registry/hosts.h"

namespace hull::registry {

struct Answer {
    int status = 0;
    http::Headers headers;
    std::string body; // empty when a sink took it
    std::string url;  // that answered, after redirects
};

struct Request {
    const char* method = "GET";
    std::string url;
    http::Headers headers;
    bool verified = true; // the server's certificate is checked

    std::string body;                    // sent when upload is null and the method takes one
    ByteSource* upload = nullptr;        // sent instead
    std::optional<uint64_t> upload_size; // nullopt: chunked

    // Asked once, when a 2xx answer's body begins; nullptr: keep it in the answer.
    std::function<Result<ByteSink*>(const Answer& head)> sink;
    size_t body_limit = size_t{4} << 20; // of bodies that are kept; too_large beyond
};

// Whether no connection was made: refused, no such host, certificate not trusted.
bool connect_failed(const Error& error);

class Transport {
public:
    explicit Transport(const Config& config); // must outlive it
    ~Transport();

    // Redirects of GET and HEAD are followed; what is in the Authorization header
    // goes to the first host only, and never from HTTPS to plain HTTP.
    Result<Answer> perform(Request request, const std::stop_token& stop);

private:
    struct Handles;
    Result<Answer> perform_once(const Request& request, const std::stop_token& stop);

    const Config& config_;
    std::unique_ptr<Handles> handles_;
};

// scheme://host:port of a URL, in small letters, the port always there; empty: no URL.
std::string origin_of(const std::string& url);
// location as it is meant on url's page; empty: nonsense or another scheme than HTTP(S).
std::string absolute_url(const std::string& url, const std::string& location);

} // namespace hull::registry
