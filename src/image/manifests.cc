#include "image/manifests.h"

#include "codec/compress/sha256.h"
#include "image/origins.h"

namespace hull::image {

namespace {

model::Descriptor descriptor_of(const std::string& text, std::string_view media_type, const Image& image) {
    model::Descriptor out;
    out.media_type = media_type;
    out.digest = Digest::from_sha256_hex(sha256_hex(text));
    out.size = static_cast<int64_t>(text.size());
    out.platform = platform_of(image);
    return out;
}

} // namespace

uint64_t Described::content() const {
    uint64_t bytes = text.size() + config.size();
    for (const auto& [digest, blob] : blobs) bytes += blob.size;
    return bytes;
}

Result<Described> describe_anew(const ImageState& state, const Image& image) {
    Described out;
    out.config = TRY(state.blobs.get(image.id));
    model::Manifest manifest;
    manifest.media_type = model::media_type::oci_manifest;
    manifest.config.media_type = model::media_type::oci_config;
    manifest.config.digest = image.id;
    manifest.config.size = static_cast<int64_t>(out.config.size());
    for (const Digest& chain_id : chain_of(image.config.diff_ids)) {
        store::Layer layer = TRY(state.layers.get(chain_id));
        model::Descriptor descriptor;
        descriptor.media_type = model::media_type::oci_layer;
        descriptor.digest = layer.diff_id;
        descriptor.size = static_cast<int64_t>(layer.tar_size);
        manifest.layers.push_back(std::move(descriptor));
        out.blobs.emplace(layer.diff_id, LayerBlob{layer, layer.tar_size, {}});
    }
    out.text = model::print_manifest(manifest);
    out.manifest = descriptor_of(out.text, model::media_type::oci_manifest, image);
    return out;
}

std::optional<Described> describe_original(const ImageState& state, const Image& image) {
    const std::vector<Digest> chain = chain_of(image.config.diff_ids);
    for (const auto& [digest, origin] : state.origins->of_image(image.id)) {
        Described out;
        auto text = state.blobs.get(digest);
        auto config = state.blobs.get(image.id);
        auto parsed = text.ok() ? model::parse_manifest(*text) : Result<model::Manifest>(text.error());
        if (!config.ok() || !parsed.ok() || parsed->layers.size() != chain.size()) continue;
        bool whole = true;
        for (size_t i = 0; whole && i < chain.size(); ++i) {
            auto layer = state.layers.get(chain[i]);
            if (!layer.ok()) return std::nullopt;
            const Digest& blob = parsed->layers[i].digest;
            if (out.blobs.contains(blob)) continue;
            LayerBlob found{*layer, layer->tar_size, {}};
            if (blob != layer->diff_id) {
                auto known = state.origins->find(blob);
                auto file = state.blobs.open_blob(blob);
                whole = file.ok() && known && known->kept && known->diff_id == layer->diff_id &&
                        known->size == static_cast<uint64_t>(parsed->layers[i].size);
                if (!whole) break;
                found.size = known->size;
                found.kept = std::move(file).value();
            }
            out.blobs.emplace(blob, std::move(found));
        }
        if (!whole) continue;
        out.manifest = descriptor_of(*text, origin.media_type, image);
        out.text = std::move(text).value();
        out.config = std::move(config).value();
        return out;
    }
    return std::nullopt;
}

std::optional<KnownIndex> read_index(const ImageState& state, const Digest& digest) {
    auto text = state.blobs.get(digest);
    auto parsed = text.ok() ? model::parse_index(*text) : Result<model::Index>(text.error());
    if (!parsed.ok()) return std::nullopt;
    KnownIndex out;
    auto origin = state.origins->find(digest);
    out.descriptor.media_type = origin ? origin->media_type : std::string(model::media_type::oci_index);
    out.descriptor.digest = digest;
    out.descriptor.size = static_cast<int64_t>(text->size());
    out.text = std::move(text).value();
    out.parsed = std::move(parsed).value();
    return out;
}

std::string print_index_of(const std::vector<model::Descriptor>& manifests) {
    model::Index index;
    bool docker = true;
    for (const model::Descriptor& one : manifests) docker &= one.media_type == model::media_type::docker_manifest;
    index.media_type = docker ? model::media_type::docker_index : model::media_type::oci_index;
    index.manifests = manifests;
    return model::print_index(index);
}

std::optional<Digest> attested(const model::Descriptor& descriptor) {
    if (!descriptor.annotations.contains("vnd.docker.reference.type")) return std::nullopt;
    auto it = descriptor.annotations.find("vnd.docker.reference.digest");
    if (it == descriptor.annotations.end()) return Digest();
    auto digest = Digest::parse(it->second);
    return digest.ok() ? *digest : Digest();
}

Result<Distributable> Images::distributable(const Digest& image_id) const {
    ImagePtr image = TRY(state_->get(image_id));
    Described described = TRY(describe_anew(*state_, *image));
    const uint64_t content = described.content();
    return Distributable{std::move(described.manifest), std::move(described.text), content};
}

Result<PlatformManifest> Images::manifest(const Digest& image_id) const {
    ImagePtr image = TRY(state_->get(image_id));
    auto described = describe_original(*state_, *image);
    if (!described) described = TRY(describe_anew(*state_, *image));
    return PlatformManifest{described->manifest, image, described->content(), {}};
}

Result<ManifestList> Images::manifests(const Digest& image_id) const {
    Target target{{image_id}, std::nullopt};
    {
        std::lock_guard held(state_->mutex);
        auto known = state_->images.find(image_id);
        if (known == state_->images.end()) return no_such_image(image_id.str());
        for (const auto* names : {&known->second.references, &known->second.others})
            for (const std::string& full : *names) {
                const Target& one = state_->references.at(full);
                if (!target.index && one.index) target.index = one.index;
                for (const Digest& id : one.images)
                    if (one.index == target.index && !target.contains(id)) target.images.push_back(id);
            }
    }
    ManifestList out;
    std::vector<PlatformManifest> here;
    for (const Digest& id : target.images) here.push_back(TRY(manifest(id)));
    auto index = target.index ? read_index(*state_, *target.index) : std::nullopt;
    if (index) {
        out.target = index->descriptor;
        for (const model::Descriptor& one : index->parsed.manifests) {
            PlatformManifest item{one, {}, 0, attested(one)};
            auto it = std::find_if(here.begin(), here.end(), [&](const PlatformManifest& candidate) {
                return candidate.descriptor.digest == one.digest ||
                       state_->origins->of_image(candidate.image->id).contains(one.digest);
            });
            if (it != here.end()) {
                item.image = it->image;
                item.content = it->content;
                if (!item.descriptor.platform) item.descriptor.platform = it->descriptor.platform;
                here.erase(it);
            }
            out.manifests.push_back(std::move(item));
        }
    }
    std::move(here.begin(), here.end(), std::back_inserter(out.manifests));
    if (index) return out;
    if (out.manifests.size() == 1) {
        out.target = out.manifests.front().descriptor;
        return out;
    }
    std::vector<model::Descriptor> descriptors;
    for (const PlatformManifest& one : out.manifests) descriptors.push_back(one.descriptor);
    const std::string text = print_index_of(descriptors);
    out.target.media_type = TRY(model::parse_index(text)).media_type;
    out.target.digest = Digest::from_sha256_hex(sha256_hex(text));
    out.target.size = static_cast<int64_t>(text.size());
    return out;
}

} // namespace hull::image
