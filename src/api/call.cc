#include "api/call.h"

#include "api/errors.h"
#include "api/parameters.h"
#include "codec/json.h"

namespace hull::api {

namespace {

constexpr size_t max_json_body = size_t{4} << 20;

bool is_json(std::string_view content_type) {
    return http::equal_without_case(content_type.substr(0, content_type.find(';')), "application/json");
}

} // namespace

bool Call::flag(std::string_view parameter, bool absent) const {
    return query_.has(parameter) ? parse_flag(query_.get(parameter)) : absent;
}

Result<std::optional<int>> Call::number(std::string_view parameter) const {
    const std::string& value = query_.get(parameter);
    if (value.empty()) return std::optional<int>();
    return std::optional<int>(TRY(parse_number(value)));
}

Result<std::optional<WallTime>> Call::time(std::string_view parameter) const {
    const std::string& value = query_.get(parameter);
    if (value.empty() || value == "0") return std::optional<WallTime>();
    return std::optional<WallTime>(TRY(parse_time(value)));
}

Result<build::Builder*> Call::builder() const {
    if (!services_.builder) return Error(ErrorKind::unsupported, "this engine has no builder");
    return services_.builder;
}

Result<engine::Filters> Call::filters() const { return parse_filters(query_.get("filters")); }

Result<std::vector<model::Platform>> Call::platforms(std::string_view parameter, int since, int several_since) const {
    std::vector<model::Platform> out;
    if (!at_least(since)) return out;
    for (const std::string& text : texts(parameter)) {
        if (text.empty()) continue;
        out.push_back(TRY(parse_platform_json(text)));
    }
    if (out.size() > 1 && !at_least(several_since))
        return Error(ErrorKind::invalid_argument, "multiple platform parameters not supported");
    return out;
}

Result<std::string> Call::json_body() {
    auto read = exchange_.read_whole_body(max_json_body);
    body_was_late_ = !read.ok() && read.error().kind() == ErrorKind::timed_out;
    std::string body = TRY(std::move(read));
    std::string_view type = exchange_.request().headers.get("Content-Type");
    if (!body.empty() && !is_json(type))
        return Error(ErrorKind::invalid_argument,
                     "unsupported Content-Type header (" + std::string(type) + "): must be 'application/json'");
    return body;
}

int Call::status_of(const Error& error) const { return body_was_late_ ? 408 : api::status_of(error.kind()); }

http::Headers Call::headers(const char* content_type) const {
    http::Headers headers{
        {"Api-Version", newest_version.text()},
        {"Docker-Experimental", services_.options.experimental ? "true" : "false"},
        {"Ostype", "linux"},
        {"Server", "Hull/" + services_.options.version + " (linux)"},
    };
    if (content_type) headers.add("Content-Type", content_type);
    return headers;
}

Result<void> Call::reply(int status, const boost::json::value& body) {
    exchange_.respond({status, headers("application/json"), json::print(body) + "\n"});
    return {};
}

Result<void> Call::reply_empty(int status) {
    exchange_.respond({status, headers(), {}});
    return {};
}

Result<void> Call::stream(int status, const char* content_type) {
    return exchange_.start_stream(status, headers(content_type));
}

std::stop_token Call::client_gone() {
    if (!gone_) {
        gone_.emplace();
        exchange_.on_client_gone([source = *gone_]() mutable { source.request_stop(); });
    }
    return gone_->get_token();
}

} // namespace hull::api
