// POST /grpc: the connection becomes HTTP/2, with BuildKit's Control service on it.
#include "api/handlers.h"
#include "build/session/control.h"

namespace hull::api {

Result<void> serve_grpc(Call& call) {
    const http::Headers& headers = call.exchange().request().headers;
    if (!headers.has("Upgrade")) return invalid("no upgrade proto in request");
    if (!http::equal_without_case(headers.get("Upgrade"), "h2c"))
        return invalid("protocol " + std::string(headers.get("Upgrade")) + " not supported");
    build::Builder* builder = TRY(call.builder());
    auto hijacked = TRY(call.exchange().hijack({{"Upgrade", "h2c"}}));
    return builder->control().serve(std::move(hijacked.socket), std::move(hijacked.already_read),
                                    call.options().version);
}

} // namespace hull::api
