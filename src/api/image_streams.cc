// Images: import, load and save, which stream archives and progress.
#include <algorithm>

#include "api/body_streams.h"
#include "api/handlers.h"
#include "api/image_progress.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// "[=====>     ]  1.2MB/3.4MB" is what clients without a terminal show.
std::string progress_text(uint64_t current, uint64_t total) {
    constexpr size_t width = 50;
    size_t done = total ? static_cast<size_t>(std::min<uint64_t>(current * width / total, width)) : 0;
    std::string bar = "[" + std::string(done, '=');
    if (done < width) bar += ">" + std::string(width - done - 1, ' ');
    return bar + "]  " + std::to_string(current) + "B/" + std::to_string(total) + "B";
}

Result<void> import_image(Call& call) {
    if (call.text("fromSrc") != "-")
        return Error(ErrorKind::unsupported, "importing from a URL is not supported: download it and import the file");
    image::ImportRequest request{.repository = call.text("repo"),
                                 .tag = call.text("tag"),
                                 .message = call.text("message"),
                                 .changes = call.texts("changes"),
                                 .platform = call.text("platform")};
    if (request.message.empty()) request.message = "Imported from -";
    BodySource body(call.exchange());
    ProgressStream progress(call);
    auto import = [&]() -> Result<void> {
        auto id = TRY(call.images().import_tar(body, request));
        return progress.send({{"status", id.str()}});
    };
    return progress.finish(import());
}

std::string asked_image(const Call& call) {
    const std::string& image = call.text("fromImage");
    const std::string& tag = call.text("tag");
    if (tag.empty()) return image;
    return image + (tag.find(':') == tag.npos ? ":" : "@") + tag; // a digest comes as a tag, too
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
    auto reference = TRY(model::Reference::parse(asked_image(call)));
    return Error(ErrorKind::not_found,
                 "pull access denied for " + reference.familiar_name() +
                     ", repository does not exist or may require 'docker login': this version of Hull does not pull "
                     "from registries. Make a base image with 'hull image bootstrap', or bring one with 'load' or "
                     "'import'");
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
    return progress.finish(load());
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
