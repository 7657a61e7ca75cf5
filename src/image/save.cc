// docker save: an archive that every Docker since 1.10 loads, and an OCI layout
// at the same time. Layers are written uncompressed and straight from the store.
#include <algorithm>

#include "codec/compress/sha256.h"
#include "codec/json.h"
#include "codec/tar_writer.h"
#include "image/archive.h"
#include "image/manifests.h"
#include "image/state.h"
#include "store/fd_stream.h"

namespace hull::image {

namespace {

constexpr size_t copied_at_once = size_t{256} << 10;

struct Member { // one platform
    ImagePtr image;
    Lease lease;
};
struct Chosen {
    std::vector<Member> members;              // the first is what the names mean
    std::vector<model::Reference> references; // tags only
    std::optional<Digest> index;              // that lists all members, and nothing was left out on purpose
};

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
    Result<model::Descriptor> describe_member(const Member& member, const std::vector<model::Reference>& tags,
                                              Described described);
    Result<model::Descriptor> describe_several(const Chosen& chosen);
    Result<void> file(tar::Writer& out, std::string path, std::string_view text) const;
    Result<void> folder(tar::Writer& out, std::string path) const;

    std::shared_ptr<ImageState> state_;
    std::vector<Chosen> images_;
    // Filled by describe().
    json::Array manifest_json_;
    model::Index index_;
    std::map<Digest, std::string> documents_; // configs and manifests
    std::map<Digest, LayerBlob> layer_blobs_; // one of each, however many images have it
};

Result<model::Descriptor>
DockerArchive::describe_member(const Member& member, const std::vector<model::Reference>& tags, Described described) {
    model::Manifest manifest = TRY(model::parse_manifest(described.text));
    json::Array layer_paths, names;
    json::Object sources;
    for (size_t i = 0; i < manifest.layers.size(); ++i) {
        const model::Descriptor& layer = manifest.layers[i];
        layer_paths.emplace_back(blob_path(layer.digest));
        sources[member.image->config.diff_ids[i].str()] =
            json::Object{{"mediaType", layer.media_type}, {"size", layer.size}, {"digest", layer.digest.str()}};
    }
    for (const model::Reference& reference : tags) names.emplace_back(reference.familiar());
    manifest_json_.push_back(json::Object{{"Config", blob_path(member.image->id)},
                                          {"RepoTags", names.empty() ? json::Value(nullptr) : json::Value(names)},
                                          {"Layers", std::move(layer_paths)},
                                          {"LayerSources", std::move(sources)}});
    layer_blobs_.merge(described.blobs);
    documents_.emplace(member.image->id, std::move(described.config));
    documents_.emplace(described.manifest.digest, std::move(described.text));
    return std::move(described.manifest);
}

// As it came, if that can still be given; else an index of what is here.
Result<model::Descriptor> DockerArchive::describe_several(const Chosen& chosen) {
    auto index = chosen.index ? read_index(*state_, *chosen.index) : std::nullopt;
    std::vector<Described> all;
    for (const Member& member : chosen.members) {
        auto original = index ? describe_original(*state_, *member.image) : std::nullopt;
        const bool listed =
            original && std::any_of(index->parsed.manifests.begin(), index->parsed.manifests.end(),
                                    [&](const auto& d) { return d.digest == original->manifest.digest; });
        if (!listed) index.reset();
        if (!listed) original = TRY(describe_anew(*state_, *member.image));
        all.push_back(std::move(*original));
    }
    std::vector<model::Descriptor> manifests;
    for (size_t i = 0; i < all.size(); ++i)
        manifests.push_back(TRY(describe_member(
            chosen.members[i], i == 0 ? chosen.references : std::vector<model::Reference>(), std::move(all[i]))));
    if (index) {
        documents_.emplace(index->descriptor.digest, index->text);
        return index->descriptor;
    }
    model::Descriptor out;
    std::string text = print_index_of(manifests);
    out.media_type = TRY(model::parse_index(text)).media_type;
    out.digest = Digest::from_sha256_hex(sha256_hex(text));
    out.size = static_cast<int64_t>(text.size());
    documents_.emplace(out.digest, std::move(text));
    return out;
}

Result<void> DockerArchive::describe(const Chosen& chosen) {
    model::Descriptor top;
    if (chosen.members.size() > 1) {
        top = TRY(describe_several(chosen));
    } else {
        const Member& only = chosen.members.front();
        top = TRY(describe_member(only, chosen.references, TRY(describe_anew(*state_, *only.image))));
    }
    for (const model::Reference& reference : chosen.references) {
        model::Descriptor entry = top;
        entry.annotations = {{"io.containerd.image.name", reference.full()},
                             {"org.opencontainers.image.ref.name", reference.tag}};
        index_.manifests.push_back(std::move(entry));
    }
    if (chosen.references.empty()) index_.manifests.push_back(std::move(top));
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
    for (const auto& [digest, blob] : layer_blobs_) {
        tar::Entry entry;
        entry.path = blob_path(digest);
        entry.mode = 0644;
        entry.size = blob.size;
        TRY(out.add(entry));
        TarData data(out);
        if (!blob.kept) {
            TRY(state_->layers.write_tar(blob.layer.chain_id, data));
            continue;
        }
        store::FdSource packed(blob.kept);
        std::string piece(copied_at_once, '\0');
        for (size_t n = TRY(packed.read(piece)); n > 0; n = TRY(packed.read(piece)))
            TRY(data.write(std::string_view(piece).substr(0, n)));
    }
    return out.finish();
}

bool has_tag_or_digest(std::string_view name) {
    size_t slash = name.rfind('/');
    return name.find_first_of(":@", slash == name.npos ? 0 : slash) != name.npos;
}

} // namespace

Result<std::unique_ptr<Export>> Images::save(const std::vector<std::string>& names,
                                             const std::vector<model::Platform>& platforms) const {
    std::vector<Chosen> chosen;
    // What the name stands for, less the platforms that aren't wanted.
    auto choose = [&](const Target& target, std::string_view name) -> Result<Chosen*> {
        Chosen one{{}, {}, target.index};
        std::vector<ImagePtr> images;
        for (const Digest& id : target.images)
            if (auto image = state_->get(id); image.ok()) images.push_back(*image);
        if (images.empty()) return no_such_image(name);
        if (!platforms.empty()) {
            std::vector<ImagePtr> wanted;
            for (const model::Platform& platform : platforms) {
                ImagePtr image = choose_platform(images, platform);
                if (image && std::find(wanted.begin(), wanted.end(), image) == wanted.end()) wanted.push_back(image);
            }
            if (wanted.empty()) return resolve(name, platforms.back()).error();
            if (wanted.size() < images.size()) one.index.reset();
            images = std::move(wanted);
        }
        for (const ImagePtr& image : images) {
            Lease lease = TRY(hold(image->chain_id));
            one.members.push_back({image, std::move(lease)});
        }
        for (Chosen& there : chosen)
            if (there.index == one.index &&
                std::equal(there.members.begin(), there.members.end(), one.members.begin(), one.members.end(),
                           [](const Member& a, const Member& b) { return a.image->id == b.image->id; }))
                return &there;
        chosen.push_back(std::move(one));
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
            std::vector<std::pair<model::Reference, Target>> tags;
            {
                std::lock_guard held(state_->mutex);
                for (const auto& [full, target] : state_->references) {
                    model::Reference r = reference_of(full);
                    if (!r.digest && r.familiar_name() == reference->familiar_name())
                        tags.emplace_back(std::move(r), target);
                }
            }
            for (const auto& [tag, target] : tags) {
                Chosen* to = TRY(choose(target, tag.familiar()));
                add(*to, tag);
            }
            if (!tags.empty()) continue;
        }
        ImagePtr image = TRY(resolve(name));
        Target target{{image->id}, std::nullopt};
        bool by_tag = false;
        {
            std::lock_guard held(state_->mutex);
            auto named = reference.ok() ? lookup_target(*state_, *reference) : std::nullopt;
            by_tag = named && named->first() == image->id && !reference->digest;
            if (named && named->first() == image->id) {
                target = *named;
            } else if (auto known = state_->images.find(image->id); known != state_->images.end()) {
                for (const std::string& full : known->second.references)
                    if (const Target& one = state_->references.at(full); one.images.size() > target.images.size())
                        target = one;
            }
        }
        Chosen* to = TRY(choose(target, name));
        if (by_tag) add(*to, *reference);
    }
    if (chosen.empty()) return Error(ErrorKind::invalid_argument, "no images to save");
    return std::unique_ptr<Export>(std::make_unique<DockerArchive>(state_, std::move(chosen)));
}

} // namespace hull::image
