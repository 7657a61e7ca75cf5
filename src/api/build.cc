// POST /build: the classic builder's request, and its stream of JSON lines.
#include <algorithm>

#include "api/body_streams.h"
#include "api/build_options.h"
#include "api/handlers.h"
#include "api/image_progress.h"
#include "api/parameters.h"
#include "build/builder.h"
#include "codec/json.h"
#include "codec/utf8.h"

namespace hull::api {

namespace {

// JSON lines; quiet: all but the last are kept back.
class BuildOutput : public build::Output {
public:
    BuildOutput(ProgressStream& stream, bool quiet) : stream_(stream), quiet_(quiet) {}
    Result<void> text(std::string_view text) override {
        // A program may write anything, and split a character between two pieces.
        pending_ += text;
        size_t whole = quiet_ ? pending_.size() : whole_characters(pending_);
        std::string out = valid_utf8(std::string_view(pending_).substr(0, whole));
        pending_.erase(0, whole);
        if (quiet_ || out.empty()) return {};
        return stream_.send({{"stream", out}});
    }
    Result<void> image(const model::Digest& id) override {
        if (quiet_) return {};
        return stream_.send({{"aux", json::Object{{"ID", id.str()}}}});
    }
    Result<void> pull(const image::TransferLine& line) override {
        return quiet_ ? Result<void>() : stream_.send(transfer_line(line));
    }
    void step_failed(int exit_code) override { exit_code_ = exit_code; }
    int exit_code() const { return exit_code_; }

private:
    ProgressStream& stream_;
    bool quiet_;
    int exit_code_ = 0;
    std::string pending_;
};

} // namespace

Result<void> build_image(Call& call) {
    if (call.text("version") == "2") return build_with_session(call);
    build::BuildOptions options = TRY(read_build_options(call));
    build::Builder* builder = TRY(call.builder());
    const std::string& remote = call.text("remote");
    std::shared_ptr<build::Context> context;
    if (remote.empty() || remote == "client-session") {
        BodySource body(call.exchange());
        context = TRY(builder->read_context(body));
    } else {
        context = TRY(builder->download_context(remote, options, call.client_gone()));
    }
    ProgressStream progress(call);
    bool quiet = call.flag("q");
    BuildOutput output(progress, quiet);
    auto run = [&]() -> Result<void> {
        auto id = TRY(builder->build(options, std::move(context), output, call.client_gone()));
        if (quiet) TRY(progress.send({{"stream", id.str() + "\n"}}));
        return {};
    };
    auto done = run();
    return progress.finish(std::move(done), output.exit_code());
}

// Source: moby, builder/builder-next/builder.go, toBuildkitPruneInfo.
Result<void> prune_build_cache(Call& call) {
    static constexpr std::string_view names[] = {"until",       "unused-for", "id",     "parent", "type",
                                                 "description", "inuse",      "shared", "private"};
    auto filters = TRY(call.filters());
    // Nothing in the cache has labels; of what `system prune --filter label=x` asks they are for others.
    std::vector<std::string_view> known(std::begin(names), std::end(names));
    known.insert(known.end(), {"label", "label!"});
    TRY(filters.check_names(known).context("failed to prune build cache"));
    build::CachePrune prune{.all = call.flag("all")};
    std::string conditions;
    for (const std::string_view name : names) {
        auto values = filters.get(name);
        if (values.empty()) continue;
        if (values.size() > 1) return invalid("failed to prune build cache: filters expect only one value");
        if (name == "until" || name == "unused-for") {
            prune.unused_since = TRY(parse_moment(values.front(), wall_now()));
            continue;
        }
        conditions += (conditions.empty() ? "" : ",") + std::string(name);
        if (!values.front().empty()) conditions += (name == "id" ? "~=" : "==") + values.front();
    }
    if (!conditions.empty())
        prune.fits = TRY(build::record_filter({conditions}).context("failed to prune build cache"));
    auto bytes = [&](const char* name) -> Result<uint64_t> {
        const int64_t value = TRY(byte_amount(call, name));
        if (value < 0) return invalid(std::string(name) + " must not be negative");
        return static_cast<uint64_t>(value);
    };
    // keep-storage is what reserved-space was called before API 1.48.
    prune.reserved_bytes = std::max(TRY(bytes("reserved-space")), TRY(bytes("keep-storage")));
    prune.max_used_bytes = TRY(bytes("max-used-space"));
    prune.min_free_bytes = TRY(bytes("min-free-space"));
    build::Builder* builder = TRY(call.builder());
    build::Pruned pruned = TRY(builder->prune_cache(prune));
    json::Value deleted = pruned.deleted.empty() ? json::Value(nullptr) : json::encode(pruned.deleted);
    return call.reply(200, json::Object{{"CachesDeleted", deleted}, {"SpaceReclaimed", pruned.bytes}});
}

Result<void> export_build_mount(Call& call) {
    build::Builder* builder = TRY(call.builder());
    AnswerSink answer(call.exchange());
    GatheringSink sink(answer);
    bool begun = false;
    auto written = builder->export_mount(call.text("id"), sink, [&] {
        begun = true;
        return call.stream(200, "application/x-tar");
    });
    if (written.ok()) written = sink.flush();
    if (!written.ok() && begun) call.exchange().abort_stream();
    return written;
}

Result<void> import_build_mount(Call& call) {
    build::Builder* builder = TRY(call.builder());
    BodySource body(call.exchange());
    TRY(builder->import_mount(call.text("id"), body));
    return call.reply_empty(200);
}

} // namespace hull::api
