// BuildKit's way to build: a session, behind which the client has its files, and
// POST /build?version=2, whose stream tells of steps. Sources: moby's
// api/server/router/build and client/, docker CLI's image/build_buildkit.go.
#include <algorithm>
#include <map>
#include <mutex>

#include "api/body_streams.h"
#include "api/build_options.h"
#include "api/handlers.h"
#include "api/image_progress.h"
#include "build/builder.h"
#include "build/exporter.h"
#include "build/session/control.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "rpc/connection.h"

namespace hull::api {

namespace {

constexpr std::string_view upload_prefix = "upload-request:";

// Each piece of progress as a line.
class TraceOutput : public build::Output {
public:
    TraceOutput(ProgressStream& stream, bool quiet) : stream_(stream), quiet_(quiet) {}
    Result<void> text(std::string_view) override { return {}; }
    Result<void> pull(const image::TransferLine&) override { return {}; }
    Result<void> image(const model::Digest& id) override {
        if (quiet_) return {};
        std::lock_guard lock(mutex_);
        return stream_.send({{"id", "moby.image.id"}, {"aux", json::Object{{"ID", id.str()}}}});
    }
    Result<void> caches(const std::vector<model::Digest>& ids) override {
        json::Array list;
        for (const model::Digest& id : ids) list.emplace_back(id.str());
        std::lock_guard lock(mutex_);
        return stream_.send({{"id", "hull.cache"}, {"aux", json::Object{{"Images", list}}}});
    }
    Result<void> kept_failed(const model::Digest& id) override {
        std::lock_guard lock(mutex_);
        return stream_.send({{"id", "hull.failed"}, {"aux", json::Object{{"Image", id.str()}}}});
    }
    Result<void> answer(const std::string& text) override {
        const json::Value value = TRY(json::parse(text));
        std::lock_guard lock(mutex_);
        return stream_.send({{"id", "hull.answer"}, {"aux", value}});
    }
    Result<void> progress(const build::wire::Progress& progress) override {
        if (quiet_) return {};
        std::string bytes = base64_encode(build::wire::print(progress));
        std::lock_guard lock(mutex_);
        return stream_.send({{"id", "moby.buildkit.trace"}, {"aux", bytes}});
    }

private:
    std::mutex mutex_;
    ProgressStream& stream_;
    bool quiet_;
};

// A context that comes by itself, for a build that waits for it.
Result<void> take_context(Call& call, const std::string& id) {
    build::Builder* builder = TRY(call.builder());
    build::Jobs::Guard job(builder->jobs(), id);
    job.upload_begins();
    BodySource body(call.exchange());
    job.give_upload(builder->read_context(body));
    return call.reply_empty(200);
}

Result<void> read_output(const Call& call, build::BuildOptions& options) {
    const std::string& text = call.text("outputs");
    if (text.empty() || text == "null") return {};
    auto value = TRY(json::parse(text).context("error reading outputs"));
    if (!value.is_array()) return invalid("error reading outputs: not a list");
    if (value.get_array().size() > 1) return invalid("multiple outputs not supported");
    if (value.get_array().empty()) return {};
    const json::Value& entry = value.get_array().front();
    if (!entry.is_object()) return invalid("error reading outputs: not an object");
    std::string type;
    std::map<std::string, std::string> attributes;
    if (const auto* found = entry.get_object().if_contains("Type"); found && found->is_string())
        type = std::string(found->get_string());
    if (const auto* found = entry.get_object().if_contains("Attrs"); found && found->is_object())
        attributes = TRY((json::decode<std::map<std::string, std::string>>(*found)).context("Attrs"));
    return build::read_exporter(type, attributes, options);
}

// What docker's client has no parameters for and hull's asks for.
Result<void> read_own_fields(const Call& call, build::BuildOptions& options) {
    if (const std::string& text = call.text("hull-contexts"); !text.empty()) {
        auto value = TRY(json::parse(text).context("error reading hull-contexts"));
        options.contexts =
            TRY((json::decode<std::map<std::string, std::string>>(value)).context("error reading hull-contexts"));
    }
    if (const std::string& text = call.text("hull-no-cache-filter"); !text.empty()) {
        auto value = TRY(json::parse(text).context("error reading hull-no-cache-filter"));
        auto names = TRY(json::decode<std::vector<std::string>>(value).context("error reading hull-no-cache-filter"));
        options.no_cache_stages = {names.begin(), names.end()};
    }
    if (const std::string& asked = call.text("hull-call"); !asked.empty()) {
        using Call = build::BuildOptions::Call;
        static const std::map<std::string, Call> calls{
            {"check", Call::check}, {"outline", Call::outline}, {"targets", Call::targets}};
        auto found = calls.find(asked);
        if (found == calls.end()) return invalid("hull-call " + asked + ": there are check, outline and targets");
        options.call = found->second;
    }
    options.keep_failed = call.flag("hull-keep-failed");
    if (const std::string& text = call.text("hull-allow"); !text.empty()) {
        auto value = TRY(json::parse(text).context("error reading hull-allow"));
        auto names = TRY(json::decode<std::vector<std::string>>(value).context("error reading hull-allow"));
        options.allow = {names.begin(), names.end()};
    }
    if (const std::string& text = call.text("hull-cache-to"); !text.empty()) {
        auto value = TRY(json::parse(text).context("error reading hull-cache-to"));
        auto list = TRY((json::decode<std::vector<std::map<std::string, std::string>>>(value))
                            .context("error reading hull-cache-to"));
        for (auto& attributes : list) {
            const std::string type = attributes["type"];
            attributes.erase("type");
            TRY(build::read_cache_export(type, attributes, options));
        }
    }
    return {};
}

Result<void> wants_http2(const Call& call) {
    const http::Headers& headers = call.exchange().request().headers;
    if (!headers.has("Upgrade")) return invalid("no upgrade proto in request");
    if (!http::equal_without_case(headers.get("Upgrade"), "h2c"))
        return invalid("protocol " + std::string(headers.get("Upgrade")) + " not supported");
    return {};
}

} // namespace

Result<void> open_session(Call& call) {
    TRY(wants_http2(call));
    const http::Headers& headers = call.exchange().request().headers;
    build::Builder* builder = TRY(call.builder());
    auto session = std::make_shared<build::Session>();
    session->id = headers.get("X-Docker-Expose-Session-Uuid");
    session->shared_key = headers.get("X-Docker-Expose-Session-Sharedkey");
    if (session->id.empty()) return invalid("a session needs an id (X-Docker-Expose-Session-Uuid)");
    for (const http::Header& line : headers)
        if (http::equal_without_case(line.name, "X-Docker-Expose-Session-Grpc-Method"))
            session->methods.insert(line.value);
    auto hijacked = TRY(call.exchange().hijack({{"Upgrade", "h2c"}}));
    session->connection = TRY(rpc::Connection::client(std::move(hijacked.socket), std::move(hijacked.already_read)));
    return builder->sessions().add(std::move(session));
}

// The connection becomes HTTP/2, with BuildKit's Control service on it.
Result<void> serve_grpc(Call& call) {
    TRY(wants_http2(call));
    build::Builder* builder = TRY(call.builder());
    auto hijacked = TRY(call.exchange().hijack({{"Upgrade", "h2c"}}));
    return builder->control().serve(std::move(hijacked.socket), std::move(hijacked.already_read),
                                    call.options().version);
}

// Clients whose session has only credentials, as dockerode's, send the tar with the request.
Result<std::shared_ptr<build::Context>> read_body_context(Call& call, build::Builder& builder) {
    BodySource body(call.exchange());
    return builder.read_context(body);
}

Result<void> build_with_session(Call& call) {
    const std::string& id = call.text("buildid");
    if (id.starts_with(upload_prefix)) return take_context(call, id.substr(upload_prefix.size()));
    build::BuildOptions options = TRY(read_build_options(call));
    // As Docker says it: in the stream. Its client waits for its session when it is refused before.
    auto wishes = [&]() -> Result<void> {
        TRY(read_output(call, options));
        return read_own_fields(call, options);
    }();
    build::Builder* builder = TRY(call.builder());
    build::Jobs::Guard job(builder->jobs(), id);
    std::stop_source stop = job.stop();
    std::stop_callback gone(call.client_gone(), [&] { stop.request_stop(); });

    options.style = build::Style::steps;
    std::unique_ptr<build::BuildClient> client;
    if (const std::string& name = call.text("session"); !name.empty()) {
        client = builder->client_of(TRY(builder->sessions().get(name, stop.get_token())));
        options.client = client.get();
    }
    std::shared_ptr<build::Context> context;
    const std::string& remote = call.text("remote");
    if (remote == "upload-request")
        context = TRY(job.take_upload());
    else if (remote.empty())
        context = TRY(read_body_context(call, *builder));
    else if (remote != "client-session")
        context = TRY(builder->download_context(remote, options, stop.get_token()));
    else if (!client)
        return invalid("a build with BuildKit's protocol needs a session");

    ProgressStream progress(call);
    bool quiet = call.flag("q");
    TraceOutput output(progress, quiet);
    auto run = [&]() -> Result<void> {
        TRY(wishes);
        auto built = builder->build(options, std::move(context), output, stop.get_token());
        if (!built.ok() && stop.stop_requested()) return Error(ErrorKind::cancelled, "context canceled");
        auto id = TRY(std::move(built).context("failed to solve"));
        if (id.empty()) return {}; // no image
        if (quiet) return progress.send({{"stream", id.str() + "\n"}});
        for (const std::string& tag : options.tags) {
            auto reference = TRY(model::Reference::parse(tag));
            if (reference.tag.empty()) reference.tag = "latest";
            TRY(progress.send({{"stream", "Successfully tagged " + reference.familiar() + "\n"}}));
        }
        return {};
    };
    return progress.finish(run());
}

Result<void> cancel_build(Call& call) {
    if (call.text("id").empty()) return invalid("build ID not provided");
    build::Builder* builder = TRY(call.builder());
    builder->jobs().cancel(call.text("id"));
    return call.reply_empty(200);
}

} // namespace hull::api
