// Images: import, load and save, which stream archives and progress.
#include <algorithm>

#include "api/body_streams.h"
#include "api/handlers.h"
#include "api/image_progress.h"
#include "codec/json.h"

namespace hull::api {

namespace {

constexpr uint64_t max_download_bytes = uint64_t{64} << 30, told_every_bytes = uint64_t{1} << 20;

// Tells how far a download is.
class ToldSource : public ByteSource {
public:
    ToldSource(std::unique_ptr<ByteSource> source, ProgressStream& progress)
        : source_(std::move(source)), progress_(progress) {}
    Result<size_t> read(std::span<char> into) override {
        size_t n = TRY(source_->read(into));
        got_ += n;
        if (got_ - told_ >= told_every_bytes || (n == 0 && got_ != told_)) {
            told_ = got_;
            TRY(progress_.send({{"status", "Importing"}, {"progressDetail", json::Object{{"current", got_}}}}));
        }
        return n;
    }

private:
    std::unique_ptr<ByteSource> source_;
    ProgressStream& progress_;
    uint64_t got_ = 0, told_ = 0;
};

Result<void> import_image(Call& call) {
    std::string url = call.text("fromSrc");
    if (url == "-") url.clear();
    // Docker's clients leave the scheme out.
    if (!url.empty() && url.find("://") == url.npos) url.insert(0, "http://");
    image::ImportRequest request{.repository = call.text("repo"),
                                 .tag = call.text("tag"),
                                 .message = call.text("message"),
                                 .changes = call.texts("changes"),
                                 .platform = call.text("platform")};
    if (request.message.empty()) request.message = "Imported from " + (url.empty() ? "-" : url);
    std::unique_ptr<ByteSource> remote;
    if (!url.empty())
        remote = TRY(TRY(call.images().registries())->download(url, max_download_bytes, call.client_gone()));
    BodySource body(call.exchange());
    ProgressStream progress(call);
    auto import = [&]() -> Result<void> {
        if (remote) {
            TRY(progress.send({{"status", "Downloading from " + url}}));
            remote = std::make_unique<ToldSource>(std::move(remote), progress);
        }
        auto id = TRY(call.images().import_tar(remote ? *remote : body, request));
        return progress.send({{"status", id.str()}});
    };
    return progress.finish(import());
}

Result<void> save(Call& call, const std::vector<std::string>& names) {
    auto platforms = TRY(call.platforms());
    auto archive = TRY(call.images().save(names, platforms));
    TRY(call.stream(200, "application/x-tar"));
    AnswerSink sink(call.exchange());
    return archive->write(sink);
}

} // namespace

Result<void> create_image(Call& call) {
    if (!call.text("fromSrc").empty()) return import_image(call);
    if (call.text("fromImage").empty())
        return Error(ErrorKind::invalid_argument, "one of fromImage and fromSrc is needed");
    return pull_image(call);
}

Result<void> load_images(Call& call) {
    bool quiet = call.flag("quiet", true);
    auto platforms = TRY(call.platforms());
    BodySource body(call.exchange());
    ProgressStream progress(call);
    auto on_progress = [&](const image::LoadProgress& at) -> Result<void> {
        if (quiet) return {};
        return progress.send({
            {"status", "Loading layer"},
            {"progressDetail", json::Object{{"current", at.current}, {"total", at.total}}},
            {"progress", progress_text(at.current, at.total)},
            {"id", at.id},
        });
    };
    auto load = [&]() -> Result<void> {
        auto loaded = TRY(call.images().load(body, on_progress, platforms));
        for (const auto& one : loaded) {
            if (one.references.empty()) TRY(progress.send({{"stream", "Loaded image ID: " + one.id.str() + "\n"}}));
            for (const auto& reference : one.references)
                TRY(progress.send({{"stream", "Loaded image: " + reference + "\n"}}));
        }
        return {};
    };
    auto loaded = load();
    // As from Docker, where clients look for it: in the stream, not the status.
    if (!loaded.ok() && !call.exchange().answered()) TRY(call.stream(200, "application/json"));
    return progress.finish(std::move(loaded));
}

Result<void> save_images(Call& call) {
    std::vector<std::string> names;
    // Clients send names=a&names=b; some send names=a,b.
    for (const std::string& text : call.texts("names")) {
        for (size_t begin = 0; begin <= text.size();) {
            size_t end = std::min(text.find(',', begin), text.size());
            if (end > begin) names.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
    }
    if (names.empty()) return Error(ErrorKind::invalid_argument, "no image names were given");
    return save(call, names);
}

Result<void> save_image(Call& call) { return save(call, {call.name()}); }

} // namespace hull::api
