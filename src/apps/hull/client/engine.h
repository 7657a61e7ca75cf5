// The Engine API as the commands use it: requests, answers, streams.
//
// Versions: the first request goes to the newest version Hull knows; an engine
// that refuses it says which one it has, and that one is used from then on. So
// a current engine costs no extra round trip. DOCKER_API_VERSION pins one.
//
// Connections are kept and reused. Thread-safe: requests may run side by side.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/hull/client/json_access.h"
#include "base/result.h"
#include "http/client.h"

namespace hull::cli {

constexpr const char* newest_api_version = "1.55";
constexpr const char* oldest_api_version = "1.24";

// Builds "?a=b&c=d".
class Query {
public:
    Query& add(std::string_view name, std::string_view value);
    Query& add_if(bool wanted, std::string_view name, std::string_view value);
    Query& add_unless_empty(std::string_view name, std::string_view value);
    const std::string& str() const { return text_; }

private:
    std::string text_;
};

// "/containers/" + id(name) + "/json": everything but / and : is encoded.
std::string path_part(std::string_view name);

struct Call {
    http::Method method = http::Method::get;
    std::string path; // "/containers/json", without the version
    std::string query;
    std::string body; // JSON
    bool upgrade = false;
    http::Headers headers;
    bool repeatable = false; // does no harm when done twice, as GET and HEAD
};

struct Reply {
    int status = 0;
    std::string body;
    http::Headers headers;
    Result<Json> json() const { return read_json(body, "the engine's answer"); }
};

class Engine;

// A request that has been sent and whose answer is read later. The engine must
// outlive it.
class Exchange {
public:
    // Waits for the head. When the engine dies before it answers, a request that it
    // didn't read, or that is repeatable, goes to its successor. An answer of 400 and above becomes an Error.
    Result<http::ResponseHead> head();
    // After head(): pieces of the body, 0 at its end.
    Result<size_t> read(std::span<char> into) { return connection_->read_body(into); }
    Result<std::string> read_all();
    // After head() of an upgrade, or of a raw stream.
    http::ClientConnection::RawStream take_stream() { return std::move(*connection_).take_stream(); }
    BorrowedFd socket() const { return connection_->socket(); }

private:
    friend class Engine;
    bool may_repeat(const Error& error) const;
    Exchange(Engine& engine, Call call, http::ClientConnection connection)
        : engine_(&engine), call_(std::move(call)), connection_(std::move(connection)) {}
    Engine* engine_;
    Call call_;
    std::optional<http::ClientConnection> connection_;
    bool streamed_ = false; // its body can't be sent again
};

class Engine {
public:
    // Called once, when nobody answers on the default socket; starts the engine.
    using Starter = std::function<Result<void>(const http::Endpoint&)>;

    Engine(http::Endpoint endpoint, http::Headers extra_headers, Starter starter);

    // Sends a request and reads the whole answer. Errors: what the engine said,
    // as "Error response from daemon: ...", with the kind that fits its status.
    Result<Reply> call(const Call& call);
    Result<Json> get(const std::string& path, const Query& query = {});
    Result<Reply> post(const std::string& path, const Query& query = {}, std::string body = {});
    Result<Reply> remove(const std::string& path, const Query& query = {});

    // Sends it and returns at once.
    Result<Exchange> begin(Call call);
    // A request with a body that source() writes piece by piece (0 ends it).
    Result<Exchange> upload(Call call, const std::function<Result<size_t>(std::span<char>)>& source);

    // The version in use; asks the engine (_ping) when no answer has come yet.
    Result<std::string> version();
    // The same as an order: api_at_least(1, 42).
    Result<bool> api_at_least(int major, int minor);
    const http::Endpoint& endpoint() const { return endpoint_; }

private:
    friend class Exchange;
    Result<http::ClientConnection> connect(bool fresh);
    void keep(http::ClientConnection connection);
    http::ClientRequest request_of(const Call& call);
    // True when the answer said that our version is too new, and we now use theirs.
    bool adopt_version(const std::string& answer);

    http::Endpoint endpoint_;
    http::Headers extra_headers_;
    Starter starter_;
    std::mutex mutex_; // guards what follows
    std::vector<http::ClientConnection> idle_;
    std::string version_;
    bool version_settled_ = false;
};

// The Error for an answer of status >= 400.
Error error_of_answer(int status, const std::string& body);

} // namespace hull::cli
