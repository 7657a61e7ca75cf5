// docker push: an image's layers, config and manifest to a registry.
#include <algorithm>

#include "codec/compress/sha256.h"
#include "image/layer_upload.h"
#include "image/manifests.h"
#include "image/platform.h"
#include "image/registries.h"

namespace hull::image {

namespace {

constexpr int push_interval_ms = 100;

std::string short_diff_id(const Digest& digest) { return digest.hex().substr(0, 12); }

struct PushPlan {                        // of one manifest
    std::vector<UploadLayer> layers;     // bottom first
    std::optional<std::string> manifest; // as it was pulled; none: to be made
    std::string media_type;
};

class ImagePush {
public:
    ImagePush(ImageState& state, registry::Session& session, ImagePtr image, unsigned at_once,
              const TransferListener& tell, const std::stop_token& stop)
        : state_(state), session_(session), image_(std::move(image)), at_once_(at_once), tell_(tell), stop_(stop) {}

    // Its manifest goes by the tag, or by its own digest when that is empty.
    Result<model::Descriptor> run(const std::string& tag);

private:
    std::optional<PushPlan> plan_as_pulled() const;
    PushPlan plan_anew() const;
    bool reachable(const Origin& origin) const;
    Result<std::vector<model::Descriptor>> layers(const PushPlan& plan);
    Result<void> follow(LayerUploads& uploads, const std::vector<std::string>& ids);
    Result<void> config(const std::string& text);
    Result<model::Descriptor> manifest(const std::string& tag, const std::string& text, const std::string& media_type);

    ImageState& state_;
    registry::Session& session_;
    ImagePtr image_;
    unsigned at_once_;
    const TransferListener& tell_;
    const std::stop_token& stop_;
};

bool ImagePush::reachable(const Origin& origin) const {
    if (origin.kept) return true;
    const std::string prefix = session_.name().domain + "/";
    return std::any_of(origin.repositories.begin(), origin.repositories.end(),
                       [&](const std::string& repository) { return repository.starts_with(prefix); });
}

// A manifest that this image came with, or was pushed with before, if all its
// blobs can be had: then it keeps its digest.
std::optional<PushPlan> ImagePush::plan_as_pulled() const {
    const std::vector<Digest> chain = chain_of(image_->config.diff_ids);
    for (const auto& [digest, origin] : state_.origins->of_image(image_->id)) {
        auto text = state_.blobs.get(digest);
        if (!text.ok()) continue;
        auto parsed = model::parse_manifest(*text);
        if (!parsed.ok() || parsed->layers.size() != chain.size()) continue;
        PushPlan plan{{}, *text, origin.media_type};
        for (size_t i = 0; i < chain.size(); ++i) {
            auto known = state_.origins->of_layer(image_->config.diff_ids[i]);
            auto it = known.find(parsed->layers[i].digest);
            if (it == known.end() || !reachable(it->second)) break;
            plan.layers.push_back({image_->config.diff_ids[i], chain[i], it->first, it->second});
        }
        if (plan.layers.size() == chain.size()) return plan;
    }
    return std::nullopt;
}

PushPlan ImagePush::plan_anew() const {
    const std::vector<Digest> chain = chain_of(image_->config.diff_ids);
    PushPlan plan{{}, std::nullopt, std::string(model::media_type::docker_manifest)};
    for (size_t i = 0; i < chain.size(); ++i) {
        UploadLayer layer{image_->config.diff_ids[i], chain[i], {}, {}};
        for (const auto& [blob, origin] : state_.origins->of_layer(layer.diff_id)) {
            // A docker manifest names gzip only; what isn't here may be gone there.
            if (!origin.kept || !origin.media_type.ends_with("gzip")) continue;
            layer.blob = blob;
            layer.origin = origin;
            layer.origin->media_type = "application/vnd.docker.image.rootfs.diff.tar.gzip";
            break;
        }
        plan.layers.push_back(std::move(layer));
    }
    return plan;
}

Result<void> ImagePush::follow(LayerUploads& uploads, const std::vector<std::string>& ids) {
    std::vector<UploadLook> told(ids.size());
    std::vector<bool> waiting(ids.size());
    uint64_t seen = 0;
    for (bool all = false; !all;) {
        all = true;
        for (size_t i = 0; i < ids.size(); ++i) {
            UploadLook look = uploads.look(i);
            UploadLook& was = told[i];
            const bool changed = look.phase != was.phase;
            switch (look.phase) {
            case UploadPhase::waiting:
                if (!waiting[i] && ids.size() > at_once_) TRY(tell_({ids[i], "Waiting", true}));
                waiting[i] = true;
                break;
            case UploadPhase::pushing:
                if (changed || look.current != was.current)
                    TRY(tell_({ids[i], "Pushing", true, look.current, look.total}));
                break;
            case UploadPhase::exists:
                if (changed) TRY(tell_({ids[i], "Layer already exists", true}));
                break;
            case UploadPhase::mounted:
                if (changed) TRY(tell_({ids[i], "Mounted from " + look.mounted_from, true}));
                break;
            case UploadPhase::pushed:
                if (!changed) break;
                if (was.phase != UploadPhase::pushing || was.current != look.total)
                    TRY(tell_({ids[i], "Pushing", true, look.total, look.total}));
                TRY(tell_({ids[i], "Pushed", true}));
                break;
            case UploadPhase::failed: return *look.error;
            }
            all &= look.phase > UploadPhase::pushing;
            was = std::move(look);
        }
        if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "context canceled");
        if (!all) uploads.wait(seen, push_interval_ms, stop_);
    }
    return {};
}

// A layer that the image has twice is sent once.
Result<std::vector<model::Descriptor>> ImagePush::layers(const PushPlan& plan) {
    std::vector<UploadLayer> unique;
    std::vector<std::string> ids;
    std::map<Digest, size_t> place;
    for (auto it = plan.layers.rbegin(); it != plan.layers.rend(); ++it) { // topmost first, as docker does
        if (!place.emplace(it->diff_id, unique.size()).second) continue;
        unique.push_back(*it);
        ids.push_back(short_diff_id(it->diff_id));
    }
    for (const std::string& id : ids) TRY(tell_({id, "Preparing", true}));
    LayerUploads uploads(state_, session_, std::move(unique), at_once_, stop_);
    TRY(follow(uploads, ids));
    std::vector<model::Descriptor> descriptors;
    for (const UploadLayer& layer : plan.layers) descriptors.push_back(uploads.descriptor(place.at(layer.diff_id)));
    return descriptors;
}

Result<void> ImagePush::config(const std::string& text) {
    bool there = TRY(session_.has_blob(image_->id, stop_));
    if (there) return {};
    std::string location = TRY(session_.begin_upload(image_->id, "", stop_));
    TextSource source(text);
    return session_.upload(location, image_->id, text.size(), source, stop_);
}

Result<model::Descriptor> ImagePush::manifest(const std::string& tag, const std::string& text,
                                              const std::string& media_type) {
    model::Descriptor out;
    out.media_type = media_type;
    out.size = static_cast<int64_t>(text.size());
    out.platform = platform_of(*image_);
    const std::string target = tag.empty() ? "sha256:" + sha256_hex(text) : tag;
    out.digest = TRY(session_.put_manifest(target, text, media_type, stop_));
    std::shared_lock storing(state_.blobs_in_flight);
    TRY(state_.blobs.put(text));
    const std::string repository = session_.name().domain + "/" + session_.name().path;
    TRY(state_.origins->add(out.digest, {media_type, text.size(), true, {repository}, {}, image_->id}));
    return out;
}

Result<model::Descriptor> ImagePush::run(const std::string& tag) {
    std::string config_json = TRY(state_.blobs.get(image_->id));
    if (auto plan = plan_as_pulled()) {
        auto sent = layers(*plan);
        if (sent.ok()) {
            TRY(config(config_json));
            return manifest(tag, *plan->manifest, plan->media_type);
        }
        // A registry may have lost what it had; then the layers are sent as new ones.
        if (sent.error().kind() != ErrorKind::not_found) return std::move(sent).error();
    }
    PushPlan plan = plan_anew();
    model::Manifest made;
    made.media_type = plan.media_type;
    made.layers = TRY(layers(plan));
    TRY(config(config_json));
    made.config.media_type = model::media_type::docker_config;
    made.config.digest = image_->id;
    made.config.size = static_cast<int64_t>(config_json.size());
    return manifest(tag, model::print_manifest(made), plan.media_type);
}

Error push_error(Error error) {
    if (error.kind() == ErrorKind::cancelled) return error;
    constexpr std::string_view nobody = "no basic auth credentials"; // what clients look for is this alone
    if (error.message().ends_with(nobody)) return {ErrorKind::system, std::string(nobody)};
    return std::move(error).with_kind(ErrorKind::system);
}

// Whether the registry has all that an index lists, or will have it by what was pushed.
Result<bool> complete_there(registry::Session& session, const KnownIndex& index,
                            const std::vector<model::Descriptor>& pushed, const std::stop_token& stop) {
    for (const model::Descriptor& one : index.parsed.manifests) {
        if (std::any_of(pushed.begin(), pushed.end(), [&](const auto& p) { return p.digest == one.digest; })) continue;
        int64_t size = 0;
        auto head = session.manifest_head(one.digest.str(), size, stop);
        if (!head.ok() && head.error().kind() == ErrorKind::cancelled) return std::move(head).error();
        if (!head.ok()) return false;
    }
    return true;
}

} // namespace

// All that the name stands for: of an index the manifests by their digests, then
// the index itself, if all that it lists is there by then; else an index of what
// is here, or the one manifest.
Result<void> Registries::push_one(const std::shared_ptr<registry::Session>& session, const model::Reference& reference,
                                  const PushRequest& request, const TransferListener& tell,
                                  const std::stop_token& stop) {
    const std::optional<model::Platform>& platform = request.platform;
    std::vector<ImagePtr> images;
    Target target;
    if (request.image) {
        images.push_back(TRY(state_->get(*request.image)));
    } else {
        std::lock_guard held(state_->mutex);
        auto named = lookup_target(*state_, reference);
        if (!named) return Error(ErrorKind::not_found, "tag does not exist: " + reference.familiar());
        target = std::move(*named);
        for (const Digest& id : target.images) images.push_back(state_->images.at(id).image);
    }
    if (platform) {
        ImagePtr image = choose_platform(images, *platform);
        if (!image)
            return Error(ErrorKind::not_found, "image with reference " + reference.familiar() +
                                                   " was found but does not provide the specified platform (" +
                                                   format_platform(*platform) + ")");
        images = {image};
    }
    std::vector<Lease> leases;
    for (const ImagePtr& image : images)
        if (image->chain_id) leases.push_back(state_->reserve(*image->chain_id));
    auto index = target.index && !platform ? read_index(*state_, *target.index) : std::nullopt;
    const std::string repository = reference.domain + "/" + reference.path;
    std::vector<model::Descriptor> pushed;
    auto all = [&]() -> Result<model::Descriptor> {
        bool lone = images.size() == 1 && !index;
        if (images.size() == 1 && index) {
            std::vector<model::Descriptor> own;
            for (const auto& [digest, origin] : state_->origins->of_image(images.front()->id))
                own.emplace_back().digest = digest;
            lone = !TRY(complete_there(*session, *index, own, stop));
        }
        for (const ImagePtr& image : images) {
            ImagePush push(*state_, *session, image, uploads_, tell, stop);
            pushed.push_back(TRY(push.run(lone ? reference.tag : std::string())));
        }
        if (lone) return pushed.front();
        model::Descriptor out;
        std::string text;
        if (index && TRY(complete_there(*session, *index, pushed, stop))) {
            out = index->descriptor;
            text = index->text;
        } else if (images.size() == 1) {
            ImagePush push(*state_, *session, images.front(), uploads_, tell, stop);
            return push.run(reference.tag); // its layers are there by now
        } else {
            text = print_index_of(pushed);
            out.media_type = TRY(model::parse_index(text)).media_type;
            out.size = static_cast<int64_t>(text.size());
        }
        out.digest = TRY(session->put_manifest(reference.tag, text, out.media_type, stop));
        std::shared_lock storing(state_->blobs_in_flight);
        TRY(state_->blobs.put(text));
        TRY(state_->origins->add(out.digest, {out.media_type, text.size(), true, {repository}, {}, {}, true}));
        return out;
    }();
    if (!all.ok()) return push_error(std::move(all).error());
    model::Reference by_digest = reference;
    by_digest.tag.clear();
    by_digest.digest = all->digest;
    const bool as_index = all->digest != pushed.front().digest;
    {
        std::lock_guard changing(state_->change_mutex);
        Target known{{images.front()->id}, std::nullopt};
        if (as_index) known = {target.images, all->digest};
        TRY(state_->set_reference(by_digest.full(), std::move(known)));
    }
    TRY(tell({"", reference.tag + ": digest: " + all->digest.str() + " size: " + std::to_string(all->size)}));
    TransferLine last{"", "", true, 0, 0, reference.tag, all->digest.str(), static_cast<uint64_t>(all->size)};
    TRY(tell(last));
    if (!index || as_index) return {};
    last.tag.reset();
    last.instead = {index->descriptor, *all};
    return tell(last);
}

Result<void> Registries::push(const PushRequest& request, const TransferListener& tell, const std::stop_token& stop) {
    model::Reference name = TRY(model::Reference::parse(request.name));
    if (name.digest) return invalid("cannot push a digest reference");
    auto credentials = registry::parse_auth_header(request.auth);
    TRY(tell({"", "The push refers to repository [" + name.domain + "/" + name.path + "]"}));
    std::vector<model::Reference> all;
    {
        std::lock_guard held(state_->mutex);
        for (const auto& [full, id] : state_->references) {
            model::Reference one = reference_of(full);
            if (one.domain == name.domain && one.path == name.path && !one.digest) all.push_back(std::move(one));
        }
    }
    if (all.empty() && !request.image)
        return Error(ErrorKind::not_found, "An image does not exist locally with the tag: " + name.familiar_name());
    if (!request.tag.empty()) all = {TRY(with_tag(name, request.tag))};
    auto session = std::make_shared<registry::Session>(
        client(), name, credentials.ok() ? *credentials : registry::Credentials(), registry::Use::push);
    for (const model::Reference& one : all) TRY(push_one(session, one, request, tell, stop));
    return {};
}

} // namespace hull::image
