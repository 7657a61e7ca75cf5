// docker load: from the files of an archive to images with records.
#include <algorithm>
#include <iterator>
#include <set>

#include "codec/compress/sha256.h"
#include "codec/json.h"
#include "image/archive.h"
#include "image/manifests.h"
#include "image/origins.h"
#include "image/platform.h"
#include "image/state.h"

namespace hull::image {

namespace {

struct ArchivedImage { // one element of manifest.json
    std::string config;
    std::vector<std::string> repo_tags, layers;
};

} // namespace

} // namespace hull::image

template <>
struct hull::json::Fields<hull::image::ArchivedImage> {
    using A = hull::image::ArchivedImage;
    static constexpr auto list =
        std::tuple{field("Config", &A::config), field("RepoTags", &A::repo_tags), field("Layers", &A::layers)};
};

namespace hull::image {

namespace {

constexpr std::string_view containerd_name = "io.containerd.image.name", oci_name = "org.opencontainers.image.ref.name";
constexpr int max_index_depth = 4;

Error invalid_archive(std::string what) { return {ErrorKind::invalid_argument, "invalid archive: " + std::move(what)}; }

// What both kinds of archive come down to.
struct Plan {
    std::string config_json;
    model::ImageConfig config;
    std::vector<std::string> layer_paths; // bottom first
    std::vector<model::Reference> references;
    std::optional<model::Descriptor> index, manifest; // that it came by, if it is one of several platforms
};
using Plans = std::vector<Plan>; // of one name, or several: for each platform one

model::Platform platform_of(const Plan& plan) {
    model::Platform platform;
    platform.os = plan.config.os.empty() ? "linux" : plan.config.os;
    platform.architecture = plan.config.architecture;
    platform.variant = plan.config.variant;
    platform.os_version = plan.config.os_version;
    return platform;
}

class Loader {
public:
    Loader(ImageState& state, Archive archive, const std::vector<model::Platform>& platforms)
        : state_(state), archive_(std::move(archive)), platforms_(platforms) {}
    Result<std::vector<Loaded>> run();

private:
    Result<std::vector<Plans>> plans();
    Result<std::vector<Plans>> plans_of_docker(const std::string& text);
    Result<std::vector<Plans>> plans_of_oci(const model::Index& index);
    Result<void> plans_of_descriptor(const model::Descriptor& descriptor, int depth, Plans& plans) const;
    // Of the images below one name, those that are wanted; the best is first.
    Plans chosen(Plans plans) const;
    bool wanted(const model::Platform& platform) const;
    Error not_in_it() const;
    Result<Plan> plan_of_manifest(const std::string& text) const;
    Result<const std::string*> verified(const model::Descriptor& descriptor) const;
    Result<void> finish_plan(Plan& plan) const;
    Result<std::vector<Loaded>> load(const Plans& plans);
    Result<ImagePtr> add(const Plan& plan);
    Result<Lease> load_layer(const std::string& path, const Digest& diff_id, const std::optional<Digest>& parent);

    ImageState& state_;
    Archive archive_;
    const std::vector<model::Platform>& platforms_;
};

bool is_index(const model::Descriptor& descriptor) {
    return descriptor.media_type == model::media_type::oci_index ||
           descriptor.media_type == model::media_type::docker_index;
}

Result<std::vector<Plans>> Loader::plans() {
    // Newer archives hold both lists. Docker's own has the tags, but knows no platforms.
    const std::string* docker = archive_.document("manifest.json");
    const std::string* oci = archive_.document("index.json");
    if (oci) {
        auto index = model::parse_index(*oci);
        if (!index.ok() && !docker) return std::move(index).error().context("index.json");
        if (index.ok() && (!docker || std::any_of(index->manifests.begin(), index->manifests.end(), is_index)))
            return plans_of_oci(*index);
    }
    if (docker) return plans_of_docker(*docker);
    if (archive_.document("repositories"))
        return Error(ErrorKind::unsupported,
                     "invalid archive: it was saved by a Docker before 1.10 (no manifest.json)");
    return invalid_archive("neither manifest.json nor index.json is in it (a root file system is read by import)");
}

Result<std::vector<Plans>> Loader::plans_of_docker(const std::string& text) {
    json::Value value = TRY(json::parse(text).context("manifest.json"));
    auto images = TRY(json::decode<std::vector<ArchivedImage>>(value).context("manifest.json"));
    std::vector<Plans> plans;
    for (ArchivedImage& image : images) {
        const std::string* config = archive_.document(image.config);
        if (!config) return invalid_archive("config " + image.config + " is missing");
        Plan plan;
        plan.config_json = *config;
        plan.layer_paths = std::move(image.layers);
        for (const std::string& tag : image.repo_tags) {
            model::Reference reference = TRY(model::Reference::parse(tag));
            if (reference.digest) return invalid_archive("invalid tag \"" + tag + "\"");
            plan.references.push_back(std::move(reference));
        }
        TRY(finish_plan(plan));
        if (!wanted(platform_of(plan))) continue;
        plans.emplace_back();
        plans.back().push_back(std::move(plan));
    }
    if (plans.empty() && !images.empty()) return not_in_it();
    return plans;
}

std::optional<model::Reference> name_in(const std::map<std::string, std::string>& annotations) {
    auto it = annotations.find(std::string(containerd_name));
    if (it == annotations.end()) {
        it = annotations.find(std::string(oci_name));
        // A bare "latest" names no repository.
        if (it == annotations.end() || it->second.find_first_of(":/") == std::string::npos) return std::nullopt;
    }
    auto reference = model::Reference::parse(it->second);
    if (!reference.ok() || reference->digest) return std::nullopt;
    return std::move(reference).value();
}

Result<std::vector<Plans>> Loader::plans_of_oci(const model::Index& index) {
    std::vector<Plans> plans;
    std::map<Digest, size_t> seen; // one manifest may have several names
    bool any = false;
    for (const model::Descriptor& descriptor : index.manifests) {
        auto name = name_in(descriptor.annotations);
        auto known = seen.find(descriptor.digest);
        if (known == seen.end()) {
            Plans below;
            TRY(plans_of_descriptor(descriptor, 0, below));
            any |= !below.empty();
            below = chosen(std::move(below));
            if (below.empty()) continue;
            for (Plan& plan : below)
                if (is_index(descriptor)) plan.index = descriptor;
            known = seen.emplace(descriptor.digest, plans.size()).first;
            plans.push_back(std::move(below));
        }
        if (name)
            for (Plan& plan : plans[known->second]) plan.references.push_back(*name);
    }
    if (plans.empty() && any) return not_in_it();
    if (plans.empty()) return invalid_archive("it holds no image");
    return plans;
}

bool Loader::wanted(const model::Platform& platform) const {
    return platforms_.empty() || std::any_of(platforms_.begin(), platforms_.end(),
                                             [&](const model::Platform& one) { return fits(one, platform); });
}

Error Loader::not_in_it() const {
    std::string text;
    for (const model::Platform& one : platforms_) text += (text.empty() ? "" : ", ") + format_platform(one);
    return {ErrorKind::not_found, "the archive holds no image for the platform " + text};
}

Plans Loader::chosen(Plans plans) const {
    std::erase_if(plans, [&](const Plan& plan) { return !wanted(platform_of(plan)); });
    std::stable_sort(plans.begin(), plans.end(), [](const Plan& a, const Plan& b) {
        return runs_here(platform_of(a)) && !runs_here(platform_of(b));
    });
    return plans;
}

Result<const std::string*> Loader::verified(const model::Descriptor& descriptor) const {
    const std::string* text = archive_.document(blob_path(descriptor.digest));
    if (!text) return invalid_archive("blob " + descriptor.digest.str() + " is missing");
    if (static_cast<uint64_t>(descriptor.size) != text->size())
        return Error(ErrorKind::corrupt,
                     "blob " + descriptor.digest.str() + " is of another size than its descriptor says");
    if (sha256_hex(*text) != descriptor.digest.hex())
        return Error(ErrorKind::corrupt, "blob " + descriptor.digest.str() + " has another digest");
    return text;
}

// Those whose blobs are there: an archive of one platform keeps the whole index.
Result<void> Loader::plans_of_descriptor(const model::Descriptor& descriptor, int depth, Plans& plans) const {
    if (attested(descriptor)) return {};
    if (depth > 0 && !archive_.document(blob_path(descriptor.digest))) return {};
    const std::string* text = TRY(verified(descriptor));
    if (!is_index(descriptor)) {
        if (descriptor.platform && descriptor.platform->os != "linux" && depth > 0) return {};
        Plan plan = TRY(plan_of_manifest(*text));
        plan.manifest = descriptor;
        plans.push_back(std::move(plan));
        return {};
    }
    if (depth == max_index_depth) return invalid_archive("indexes within indexes");
    model::Index index = TRY(model::parse_index(*text));
    for (const model::Descriptor& inner : index.manifests) TRY(plans_of_descriptor(inner, depth + 1, plans));
    return {};
}

Result<Plan> Loader::plan_of_manifest(const std::string& text) const {
    model::Manifest manifest = TRY(model::parse_manifest(text));
    const std::string* config = TRY(verified(manifest.config));
    Plan plan;
    plan.config_json = *config;
    for (const model::Descriptor& layer : manifest.layers) {
        std::string path = blob_path(layer.digest);
        const ArchivedLayer* archived = archive_.find_layer(path);
        if (archived && !archived->broken &&
            (archived->content != layer.digest || archived->content_size != static_cast<uint64_t>(layer.size)))
            return Error(ErrorKind::corrupt, "layer " + layer.digest.str() + " has another digest or size");
        plan.layer_paths.push_back(std::move(path));
    }
    TRY(finish_plan(plan));
    return plan;
}

Result<void> Loader::finish_plan(Plan& plan) const {
    plan.config = TRY(model::parse_image_config(plan.config_json));
    if (!plan.config.os.empty() && plan.config.os != "linux")
        return Error(ErrorKind::unsupported, "cannot load " + plan.config.os + " image on linux");
    if (plan.config.diff_ids.size() != plan.layer_paths.size())
        return invalid_archive("invalid manifest, layers length mismatch: expected " +
                               std::to_string(plan.config.diff_ids.size()) + ", got " +
                               std::to_string(plan.layer_paths.size()));
    return {};
}

Result<Lease> Loader::load_layer(const std::string& path, const Digest& diff_id, const std::optional<Digest>& parent) {
    ArchivedLayer* archived = archive_.layer(path);
    if (archived && archived->broken) return Error(*archived->broken).context("layer " + path);
    if (archived && archived->diff_id != diff_id)
        return Error(ErrorKind::corrupt,
                     "layer " + path + " has the diff id " + archived->diff_id.str() + ", not " + diff_id.str());
    Lease lease = state_.reserve(store::chain_id(parent, diff_id));
    if (state_.layers.get(*lease.chain_id()).ok()) return lease;
    if (!archived) return invalid_archive("layer " + path + " is missing");
    auto staged = std::move(archived->staged);
    // It went to another image of the archive, on another base.
    if (!staged) staged = TRY(state_.stage_copy_of(diff_id));
    TRY(state_.layers.commit(std::move(staged), parent));
    return lease;
}

// What it came by is kept, so that it leaves by it, too.
Result<ImagePtr> Loader::add(const Plan& plan) {
    if (!plan.index) return state_.add_image(plan.config_json, std::nullopt, plan.references);
    std::shared_lock storing(state_.blobs_in_flight);
    Digest id = Digest::from_sha256_hex(sha256_hex(plan.config_json));
    for (const auto& [descriptor, is_index] : {std::pair{*plan.index, true}, std::pair{*plan.manifest, false}}) {
        const std::string* text = TRY(verified(descriptor));
        TRY(state_.blobs.put(*text));
        Origin origin{descriptor.media_type, text->size(), true, {}, {}, {}, is_index};
        if (!is_index) origin.image = id;
        TRY(state_.origins->add(descriptor.digest, origin));
    }
    return state_.add_image(plan.config_json, std::nullopt, plan.references, plan.index->digest);
}

// All platforms' layers first: then there is little that can still fail.
Result<std::vector<Loaded>> Loader::load(const Plans& plans) {
    std::vector<Lease> leases;
    std::vector<std::optional<Digest>> tops;
    auto all = [&]() -> Result<std::vector<Loaded>> {
        for (const Plan& plan : plans) {
            std::optional<Digest>& top = tops.emplace_back();
            for (size_t i = 0; i < plan.layer_paths.size(); ++i) {
                Lease lease = TRY(load_layer(plan.layer_paths[i], plan.config.diff_ids[i], top));
                top = lease.chain_id();
                leases.push_back(std::move(lease));
            }
        }
        std::vector<Loaded> loaded;
        for (const Plan& plan : plans) {
            ImagePtr image = TRY(add(plan));
            if (!loaded.empty() && !plan.references.empty()) continue; // told once
            loaded.push_back({image->id, {}});
            for (const model::Reference& reference : plan.references)
                loaded.back().references.push_back(reference.familiar());
        }
        return loaded;
    }();
    leases.clear();
    if (!all.ok())
        for (const auto& top : tops) (void)state_.collect_chain(top); // what it brought, nobody else needs
    return all;
}

Result<std::vector<Loaded>> Loader::run() {
    std::vector<Plans> all = TRY(plans());
    std::vector<Loaded> loaded;
    for (const Plans& one : all) {
        std::vector<Loaded> some = TRY(load(one));
        std::move(some.begin(), some.end(), std::back_inserter(loaded));
    }
    return loaded;
}

} // namespace

Result<std::vector<Loaded>> Images::load(ByteSource& stream, const LoadCallback& progress,
                                         const std::vector<model::Platform>& platforms) {
    Archive archive = TRY(Archive::read(stream, state_->layers, progress));
    return Loader(*state_, std::move(archive), platforms).run();
}

} // namespace hull::image
