#include "api/api.h"

#include "api/call.h"
#include "api/errors.h"
#include "api/metrics.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/log.h"

namespace hull::api {

namespace {

http::Response error_response(int status, std::string_view message, http::Headers headers) {
    headers.set("Content-Type", "application/json");
    return {status, std::move(headers), error_body(message)};
}

class ApiImplementation final : public Api {
public:
    ApiImplementation(ApiOptions options, engine::Engine& engine, build::Builder* builder)
        : options_(std::move(options)), services_{options_, engine, builder} {}

    void handle(http::Exchange& exchange) override {
        auto target = http::parse_target(exchange.request().target);
        if (!target.ok()) return exchange.respond(error_response(400, target.error().message(), {}));
        auto versioned = split_version(target->path);
        if (!versioned.ok()) {
            Call call(exchange, services_, newest_version, {}, target->query);
            return exchange.respond(error_response(400, versioned.error().message(), call.headers()));
        }
        if (exchange.request().method == http::Method::options) { // of any path, as Docker answers it
            Call call(exchange, services_, versioned->version, {}, target->query);
            return exchange.respond({200, call.headers(), {}});
        }
        auto match = find_route(exchange.request().method, versioned->rest);
        if (!match) return exchange.respond(error_response(404, "page not found", {}));
        Call call(exchange, services_, versioned->version, std::move(match->name), target->query);
        int64_t began = monotonic_ns();
        auto result = match->handler(call);
        if (!result.ok()) fail(call, result.error());
        metrics_.observe(match->route, exchange.answered_status(), monotonic_ns() - began);
    }

    std::string metrics() override { return metrics_.text(services_.engine, services_.builder, options_.version); }

private:
    static void fail(Call& call, const Error& error) {
        http::Exchange& exchange = call.exchange();
        const http::Request& request = exchange.request();
        if (exchange.answered()) {
            // Too late for a status; a stream that breaks off is the only sign left.
            exchange.abort_stream();
            if (error.kind() != ErrorKind::cancelled) log::error(request.target, error);
            return;
        }
        int status = call.status_of(error);
        if (status >= 500 && status != 501 && status != 503)
            log::error(std::string(http::to_string(request.method)) + " " + request.target, error);
        else
            log::debug(std::string(http::to_string(request.method)) + " " + request.target + ": " + error.message());
        if (status == 304) return exchange.respond({304, call.headers(), {}});
        exchange.respond(error_response(status, error.message(), call.headers()));
    }

    ApiOptions options_;
    Services services_;
    Metrics metrics_;
};

} // namespace

std::unique_ptr<Api> Api::create(ApiOptions options, engine::Engine& engine, build::Builder* builder) {
    return std::make_unique<ApiImplementation>(std::move(options), engine, builder);
}

} // namespace hull::api
