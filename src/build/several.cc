// --platform with several: a build for each, and one name for what they give.
#include <algorithm>

#include "base/random.h"
#include "build/build_state.h"
#include "build/builder.h"
#include "image/platform.h"

namespace hull::build {

namespace {

// What one of them says, but for its image.
class OneOfSeveral : public Output {
public:
    explicit OneOfSeveral(Output& output) : output_(output) {}
    Result<void> text(std::string_view text) override { return output_.text(text); }
    Result<void> image(const Digest&) override { return {}; }
    void step_failed(int code) override { output_.step_failed(code); }
    Result<void> kept_failed(const Digest& id) override { return output_.kept_failed(id); }
    Result<void> answer(const std::string& json) override { return output_.answer(json); }
    Result<void> pull(const image::TransferLine& line) override { return output_.pull(line); }
    Result<void> caches(const std::vector<Digest>& ids) override { return output_.caches(ids); }
    Result<void> progress(const wire::Progress& progress) override { return output_.progress(progress); }

private:
    Output& output_;
};

Result<void> tell_of(Output& output, wire::Vertex vertex, const std::function<Result<void>()>& work) {
    auto tell = [&] {
        wire::Progress progress;
        progress.vertexes.push_back(vertex);
        return output.progress(progress);
    };
    vertex.started = wall_now();
    TRY(tell());
    auto done = work();
    vertex.completed = wall_now();
    if (!done.ok()) vertex.error = done.error().message();
    auto told = tell();
    TRY(std::move(done));
    return told;
}

Result<void> send_archive(BuilderPorts& ports, BuildClient& client, const std::vector<std::string>& names) {
    auto bytes = TRY(client.send_bytes());
    auto save = TRY(ports.images.save(names));
    TRY(save->write(*bytes));
    return client.finish_bytes(*bytes);
}

Result<model::Reference> tag_reference(const std::string& text) {
    model::Reference reference = TRY(model::Reference::parse(text));
    if (reference.digest) return invalid("refusing to create a tag with a digest reference");
    if (reference.tag.empty()) reference.tag = "latest";
    return reference;
}

} // namespace

std::vector<std::string> platforms_of(const std::string& text) {
    std::vector<std::string> out;
    for (size_t begin = 0; begin <= text.size();) {
        size_t end = std::min(text.find(',', begin), text.size());
        std::string one = text.substr(begin, end - begin);
        if (!one.empty() && std::ranges::find(out, one) == out.end()) out.push_back(std::move(one));
        begin = end + 1;
    }
    return out;
}

Result<Digest> Builder::build_several(const BuildOptions& options, const std::shared_ptr<Context>& context,
                                      Output& output, const std::stop_token& stop) {
    const std::string& type = options.output.type;
    const bool archive = type == "docker" || type == "oci", image = type.empty() || type == "image";
    if (options.style != Style::steps)
        return unsupported("several platforms at once need BuildKit's way to build: " + options.platform);
    if (!archive && !image && type != "cacheonly")
        return unsupported("an output of type " + type + " for several platforms is not supported: image, oci, docker");
    if (archive && (options.tags.empty() || !options.client))
        return invalid("an archive of several platforms needs a name (--tag)");
    std::vector<model::Reference> references;
    for (const std::string& tag : options.tags) references.push_back(TRY(tag_reference(tag)));

    std::vector<Digest> ids;
    for (const std::string& platform : platforms_of(options.platform)) {
        TRY(image::parse_platform(platform));
        BuildOptions one = options;
        one.platform = platform;
        one.shown_platform = platform;
        one.tags.clear();
        one.output.push = false;
        if (archive) one.output.type.clear();
        OneOfSeveral quiet(output);
        Build build(*this, one, context, quiet, stop);
        ids.push_back(TRY(build.run()));
        if (options.call != BuildOptions::Call::build) return Digest(); // the Dockerfile is the same for all
    }
    if (type == "cacheonly") return Digest();
    wire::Vertex vertex{.digest = vertex_digest({"several", random_hex(16)}), .name = "exporting to image"};
    TRY(tell_of(output, vertex, [&]() -> Result<void> {
        for (const model::Reference& reference : references) TRY(ports_.images.name_several(ids, reference));
        for (const model::Reference& reference : references) {
            if (!options.output.push) break;
            image::PushRequest request{.name = reference.familiar_name(),
                                       .tag = reference.tag,
                                       .auth = image::auth_for(options.auths, reference)};
            if (request.auth.empty() && options.client)
                request.auth = TRY(options.client->credentials(reference.domain == "docker.io" ? "registry-1.docker.io"
                                                                                               : reference.domain));
            TRY(ports_.images.push(request, [](const image::TransferLine&) { return Result<void>(); }, stop));
        }
        if (archive) return send_archive(ports_, *options.client, options.tags);
        return {};
    }));
    TRY(output.image(ids.front()));
    return ids.front();
}

} // namespace hull::build
