// One API request on its way through a handler: what was asked, and the ways to
// answer. Lives as long as the handler runs.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "api/api.h"
#include "api/version.h"
#include "engine/filters.h"
#include "http/server.h"
#include "http/uri.h"

namespace hull::build {
class Builder;
}

namespace hull::api {

struct Services {
    const ApiOptions& options;
    engine::Engine& engine;
    build::Builder* builder; // none: nothing is built
};

class Call {
public:
    Call(http::Exchange& exchange, Services& services, Version version, std::string name, const http::Query& query)
        : exchange_(exchange), services_(services), query_(query), name_(std::move(name)), version_(version) {}

    engine::Engine& engine() const { return services_.engine; }
    engine::Containers& containers() const { return services_.engine.containers(); }
    engine::Networks& networks() const { return services_.engine.networks(); }
    engine::Volumes& volumes() const { return services_.engine.volumes(); }
    engine::ImageService& images() const { return services_.engine.images(); }
    Result<build::Builder*> builder() const;
    const ApiOptions& options() const { return services_.options; }
    http::Exchange& exchange() const { return exchange_; }
    bool at_least(int minor) const { return version_ >= Version{1, minor}; }
    const Version& version() const { return version_; }

    // The {name} of the route.
    const std::string& name() const { return name_; }

    // Parameters, read as the Docker engine reads them.
    bool has(std::string_view parameter) const { return query_.has(parameter); }
    const std::string& text(std::string_view parameter) const { return query_.get(parameter); }
    std::vector<std::string> texts(std::string_view parameter) const { return query_.all(parameter); }
    bool flag(std::string_view parameter, bool absent = false) const;
    Result<std::optional<int>> number(std::string_view parameter) const; // absent or empty: nullopt
    Result<std::optional<WallTime>> time(std::string_view parameter) const;
    Result<engine::Filters> filters() const;
    // Of every parameter of that name, which are JSON; from these minor versions on one,
    // and several.
    Result<std::vector<model::Platform>> platforms(std::string_view parameter = "platform", int since = 48,
                                                   int several_since = 52) const;

    // The body of a request that takes JSON, at most 4 MiB; empty when there is
    // none. Errors: invalid_argument for another Content-Type.
    Result<std::string> json_body();
    // The status of an error: its kind's, or 408 when the body came too slowly.
    int status_of(const Error& error) const;

    // Answers.
    Result<void> reply(int status, const boost::json::value& body);
    Result<void> reply_empty(int status);
    Result<void> stream(int status, const char* content_type);
    http::Headers headers(const char* content_type = nullptr) const;

    // Stops when the client leaves or the server is to end.
    std::stop_token client_gone();

private:
    http::Exchange& exchange_;
    Services& services_;
    const http::Query& query_;
    std::string name_;
    Version version_;
    std::optional<std::stop_source> gone_;
    bool body_was_late_ = false;
};

} // namespace hull::api
