#include "apps/hull/commands/pull.h"

#include <array>

#include "apps/hull/cli/session.h"
#include "apps/hull/client/credentials.h"
#include "model/image.h"

namespace hull::cli {

Result<void> read_progress(Exchange& exchange, const std::function<void(const Json&)>& each) {
    std::array<char, 16384> piece;
    boost::json::stream_parser parser;
    bool fresh = true; // between two objects
    while (size_t n = TRY(exchange.read(piece))) {
        std::string_view rest(piece.data(), n);
        while (!rest.empty()) {
            if (fresh) {
                size_t start = rest.find_first_not_of(" \r\n\t");
                if (start == rest.npos) break;
                rest.remove_prefix(start);
                parser.reset();
                fresh = false;
            }
            boost::json::error_code ec;
            size_t used = parser.write_some(rest.data(), rest.size(), ec);
            if (ec) return Error(ErrorKind::corrupt, "the engine's progress is no JSON: " + ec.message());
            rest.remove_prefix(used);
            if (!parser.done()) continue;
            Json message = parser.release();
            fresh = true;
            std::string error = text(message, "errorDetail.message");
            if (error.empty()) error = text(message, "error");
            if (!error.empty()) return Error(ErrorKind::internal, error);
            each(message);
        }
    }
    return {};
}

Result<std::string> auth_header(Session& session, const std::string& domain) {
    const std::string key = credentials_key(domain);
    return registry_auth(TRY(load_credentials(session.globals().config_folder, key)), key);
}

Result<void> pull_image(Session& session, const std::string& image, const std::string& platform, bool quiet) {
    auto reference = TRY(model::Reference::parse(image));
    Query query;
    query.add("fromImage", reference.familiar_name())
        .add("tag", reference.digest        ? reference.digest->str()
                    : reference.tag.empty() ? "latest"
                                            : reference.tag)
        .add_unless_empty("platform", platform);
    Engine& engine = *TRY(session.engine());
    http::Headers headers{{"X-Registry-Auth", TRY(auth_header(session, reference.domain))}};
    Exchange exchange = TRY(engine.begin({.method = http::Method::post,
                                          .path = "/images/create",
                                          .query = query.str(),
                                          .body = {},
                                          .headers = std::move(headers)}));
    TRY(exchange.head());
    return read_progress(exchange, [&](const Json& message) {
        // Counters only change a line that is not one yet; finished steps are lines.
        if (quiet || !object(message, "progressDetail").empty()) return;
        std::string id = text(message, "id"), status = text(message, "status");
        if (!status.empty()) print_error((id.empty() ? "" : id + ": ") + status + "\n");
    });
}

} // namespace hull::cli
