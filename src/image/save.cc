// docker save: an archive that every Docker since 1.10 loads, and an OCI layout
// at the same time. Layers are written uncompressed and straight from the store.
#include <algorithm>

#include "codec/compress/sha256.h"
#include "codec/json.h"
#include "codec/tar_writer.h"
#include "image/archive.h"
#include "image/state.h"

namespace hull::image {

namespace {

struct Chosen {
    ImagePtr image;
    std::vector<model::Reference> references; // tags only
    Lease lease;
};

Result<Distributable> describe_image(const ImageState& state, const Image& image) {
    std::string config = TRY(state.blobs.get(image.id));
    model::Manifest manifest;
    manifest.media_type = model::media_type::oci_manifest;
    manifest.config.media_type = model::media_type::oci_config;
    manifest.config.digest = image.id;
    manifest.config.size = static_cast<int64_t>(config.size());
    Distributable out;
    out.content = config.size();
    for (const Digest& chain_id : chain_of(image.config.diff_ids)) {
        store::Layer layer = TRY(state.layers.get(chain_id));
        model::Descriptor descriptor;
        descriptor.media_type = model::media_type::oci_layer;
        descriptor.digest = layer.diff_id;
        descriptor.size = static_cast<int64_t>(layer.tar_size);
        out.content += layer.tar_size;
        manifest.layers.push_back(std::move(descriptor));
    }
    out.text = model::print_manifest(manifest);
    out.content += out.text.size();
    out.manifest.media_type = model::media_type::oci_manifest;
    out.manifest.digest = Digest::from_sha256_hex(sha256_hex(out.text));
    out.manifest.size = static_cast<int64_t>(out.text.size());
    out.manifest.platform = platform_of(image);
    return out;
}

class TarData : public ByteSink { // data of the writer's current entry
public:
    explicit TarData(tar::Writer& writer) : writer_(writer) {}
    Result<void> write(std::string_view data) override { return writer_.data(data); }

private:
    tar::Writer& writer_;
};

class DockerArchive : public Export {
public:
    DockerArchive(std::shared_ptr<ImageState> state, std::vector<Chosen> images)
        : state_(std::move(state)), images_(std::move(images)) {}
    Result<void> write(ByteSink& sink) override;

private:
    Result<void> describe(const Chosen& chosen);
    Result<void> file(tar::Writer& out, std::string path, std::string_view text) const;
    Result<void> folder(tar::Writer& out, std::string path) const;

    std::shared_ptr<ImageState> state_;
    std::vector<Chosen> images_;
    // Filled by describe().
    json::Array manifest_json_;
    model::Index index_;
    std::map<Digest, std::string> documents_;    // configs and manifests
    std::map<Digest, store::Layer> layer_blobs_; // by diff id: one blob, however many images
};

Result<void> DockerArchive::describe(const Chosen& chosen) {
    std::string config = TRY(state_->blobs.get(chosen.image->id));
    json::Array layer_paths;
    json::Object sources;
    for (const Digest& chain_id : chain_of(chosen.image->config.diff_ids)) {
        store::Layer layer = TRY(state_->layers.get(chain_id));
        layer_paths.emplace_back(blob_path(layer.diff_id));
        sources[layer.diff_id.str()] = json::Object{
            {"mediaType", model::media_type::oci_layer}, {"size", layer.tar_size}, {"digest", layer.diff_id.str()}};
        layer_blobs_.emplace(layer.diff_id, layer);
    }
    Distributable out = TRY(describe_image(*state_, *chosen.image));
    json::Array tags;
    for (const model::Reference& reference : chosen.references) {
        model::Descriptor entry = out.manifest;
        tags.emplace_back(reference.familiar());
        entry.annotations = {{"io.containerd.image.name", reference.full()},
                             {"org.opencontainers.image.ref.name", reference.tag}};
        index_.manifests.push_back(std::move(entry));
    }
    if (chosen.references.empty()) index_.manifests.push_back(out.manifest);
    manifest_json_.push_back(json::Object{{"Config", blob_path(chosen.image->id)},
                                          {"RepoTags", tags.empty() ? json::Value(nullptr) : json::Value(tags)},
                                          {"Layers", std::move(layer_paths)},
                                          {"LayerSources", std::move(sources)}});
    documents_.emplace(chosen.image->id, std::move(config));
    documents_.emplace(out.manifest.digest, std::move(out.text));
    return {};
}

Result<void> DockerArchive::file(tar::Writer& out, std::string path, std::string_view text) const {
    tar::Entry entry;
    entry.path = std::move(path);
    entry.mode = 0644;
    entry.size = text.size();
    TRY(out.add(entry));
    return out.data(text);
}

Result<void> DockerArchive::folder(tar::Writer& out, std::string path) const {
    tar::Entry entry;
    entry.path = std::move(path);
    entry.type = tar::Type::directory;
    entry.mode = 0755;
    return out.add(entry);
}

// What names the rest stands first, so that a reader knows early what comes.
Result<void> DockerArchive::write(ByteSink& sink) {
    index_.media_type = model::media_type::oci_index;
    for (const Chosen& chosen : images_) TRY(describe(chosen));
    tar::Writer out(sink);
    TRY(file(out, "manifest.json", json::print(manifest_json_)));
    TRY(file(out, "index.json", model::print_index(index_)));
    TRY(file(out, "oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    TRY(folder(out, "blobs/"));
    TRY(folder(out, "blobs/sha256/"));
    for (const auto& [digest, text] : documents_) TRY(file(out, blob_path(digest), text));
    for (const auto& [diff_id, layer] : layer_blobs_) {
        tar::Entry entry;
        entry.path = blob_path(diff_id);
        entry.mode = 0644;
        entry.size = layer.tar_size;
        TRY(out.add(entry));
        TarData data(out);
        TRY(state_->layers.write_tar(layer.chain_id, data));
    }
    return out.finish();
}

bool has_tag_or_digest(std::string_view name) {
    size_t slash = name.rfind('/');
    return name.find_first_of(":@", slash == name.npos ? 0 : slash) != name.npos;
}

} // namespace

Result<Distributable> Images::distributable(const Digest& image_id) const {
    ImagePtr image = TRY(state_->get(image_id));
    return describe_image(*state_, *image);
}

Result<std::unique_ptr<Export>> Images::save(const std::vector<std::string>& names,
                                             const std::vector<model::Platform>& platforms) const {
    std::vector<Chosen> chosen;
    // Of several platforms one has to fit; the error names the last.
    auto check = [&](std::string_view name) -> Result<void> {
        Result<void> found;
        for (const model::Platform& platform : platforms) {
            auto image = resolve(name, platform);
            if (image.ok()) return {};
            found = std::move(image).error();
        }
        return found;
    };
    auto choose = [&](const ImagePtr& image) -> Result<Chosen*> {
        auto it = std::find_if(chosen.begin(), chosen.end(), [&](const Chosen& c) { return c.image->id == image->id; });
        if (it != chosen.end()) return &*it;
        Lease lease = TRY(hold(image->chain_id));
        chosen.push_back({image, {}, std::move(lease)});
        return &chosen.back();
    };
    auto add = [](Chosen& to, const model::Reference& reference) {
        for (const model::Reference& there : to.references)
            if (there.full() == reference.full()) return;
        to.references.push_back(reference);
    };
    for (const std::string& name : names) {
        auto reference = model::Reference::parse(name);
        // A bare repository stands for all its tags.
        if (reference.ok() && !has_tag_or_digest(name)) {
            std::vector<std::pair<model::Reference, ImagePtr>> tags;
            {
                std::lock_guard held(state_->mutex);
                for (const auto& [full, id] : state_->references) {
                    model::Reference r = reference_of(full);
                    if (!r.digest && r.familiar_name() == reference->familiar_name())
                        tags.emplace_back(std::move(r), state_->images.at(id).image);
                }
            }
            for (const auto& [tag, image] : tags) {
                TRY(check(tag.familiar()));
                Chosen* to = TRY(choose(image));
                add(*to, tag);
            }
            if (!tags.empty()) continue;
        }
        ImagePtr image = TRY(resolve(name));
        TRY(check(name));
        Chosen* to = TRY(choose(image));
        std::lock_guard held(state_->mutex);
        const bool by_reference = reference.ok() && lookup(*state_, *reference) == image->id;
        if (by_reference && !reference->digest) add(*to, *reference);
    }
    if (chosen.empty()) return Error(ErrorKind::invalid_argument, "no images to save");
    return std::unique_ptr<Export>(std::make_unique<DockerArchive>(state_, std::move(chosen)));
}

} // namespace hull::image
