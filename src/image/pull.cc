// docker pull: from a name to an image with a record.
#include <algorithm>

#include "codec/compress/sha256.h"
#include "image/layer_jobs.h"
#include "image/origins.h"
#include "image/platform.h"
#include "image/registries.h"

namespace hull::image {

namespace {

constexpr int progress_interval_ms = 100, max_index_levels = 3;
constexpr std::string_view old_manifest = "application/vnd.docker.distribution.manifest.v1",
                           attestation_type = "vnd.docker.reference.type";
constexpr std::string_view layer_types[] = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.zstd", "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",       "application/vnd.oci.image.layer.v1.tar+zstd",
};

std::string short_id(const Digest& digest) { return digest.hex().substr(0, 12); }

// 0: not for wanted; the larger the better.
int fitness(const model::Platform& offered, const model::Platform& wanted) {
    if (!fits(wanted, offered)) return 0;
    return offered.variant == wanted.variant ? 2 : 1;
}

Result<void> check_layer(const model::Descriptor& layer) {
    if (std::find(std::begin(layer_types), std::end(layer_types), layer.media_type) != std::end(layer_types)) return {};
    if (layer.media_type.find("foreign") != std::string::npos ||
        layer.media_type.find("nondistributable") != std::string::npos)
        return unsupported("layer " + layer.digest.str() +
                           " is a foreign layer, which its registry doesn't hold: it can't be pulled");
    return unsupported("layer " + layer.digest.str() + " is of the unknown media type \"" +
                       layer.media_type.substr(0, 200) + "\"");
}

bool is_index_type(const std::string& media_type) {
    return media_type == model::media_type::oci_index || media_type == model::media_type::docker_index;
}

Error no_match(const model::Platform& wanted) {
    return {ErrorKind::not_found,
            "no matching manifest for " + format_platform(wanted) + " in the manifest list entries"};
}

Error as_system(Error error) {
    return error.kind() == ErrorKind::unavailable ? std::move(error).with_kind(ErrorKind::system) : error;
}

// What docker says when a name can't be pulled; it can't tell "not there" from
// "not for you" either.
Error pull_error(Error error, const model::Reference& name) {
    if (error.kind() != ErrorKind::forbidden) return as_system(std::move(error));
    if (error.code() != 403) return std::move(error).with_kind(ErrorKind::system);
    return Error(ErrorKind::not_found,
                 "pull access denied for " + name.familiar_name() +
                     ", repository does not exist or may require 'docker login': " + error.message());
}

} // namespace

// One image on its way.
struct Registries::Pull {
    ImageState& state;
    LayerJobs& jobs;
    std::shared_ptr<registry::Session> session;
    model::Reference reference; // a tag or a digest
    model::Platform platform;
    const TransferListener& tell;
    const std::stop_token& stop;

    registry::Document top;      // what the reference names
    registry::Document manifest; // of the one image
    model::Manifest parsed;
    std::string config_json;
    model::ImageConfig config;

    std::string target() const { return reference.digest ? reference.digest->str() : reference.tag; }
    Result<void> say(std::string id, std::string status) { return tell({std::move(id), std::move(status)}); }
    Result<void> choose(registry::Document document, int level);
    Result<void> read_config();
    Result<void> layers(std::vector<Lease>& leases);
    Result<void> follow(const std::vector<std::pair<std::string, Ticket>>& tickets);
    Result<Digest> finish(bool& newer);
    Result<void> remember_origins();
};

Result<void> Registries::Pull::choose(registry::Document document, int level) {
    if (document.media_type.starts_with(old_manifest))
        return unsupported("Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been "
                           "removed. Suggest the author of " +
                           reference.familiar() +
                           " to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More "
                           "information at https://docs.docker.com/go/deprecated-image-specs/");
    // Some registries don't say what it is; then the document does.
    auto as_index = model::parse_index(document.text);
    if (!is_index_type(document.media_type) && !(as_index.ok() && is_index_type(as_index->media_type))) {
        parsed = TRY(model::parse_manifest(document.text));
        manifest = std::move(document);
        return {};
    }
    model::Index index = TRY(std::move(as_index));
    if (level == max_index_levels) return invalid("the manifest list of " + reference.familiar() + " is too deep");
    const model::Descriptor* best = nullptr;
    int best_fitness = 0;
    for (const model::Descriptor& one : index.manifests) {
        if (one.annotations.contains(std::string(attestation_type))) continue;
        // Without a platform it may be anything: the config decides.
        int fits = one.platform ? fitness(*one.platform, platform) : index.manifests.size() == 1 ? 1 : 0;
        if (fits <= best_fitness) continue;
        best = &one;
        best_fitness = fits;
    }
    if (!best) return no_match(platform);
    auto inner = TRY(session->manifest(best->digest.str(), stop));
    if (static_cast<int64_t>(inner.text.size()) != best->size)
        return Error(ErrorKind::corrupt, "manifest " + best->digest.str() + " is of another size than its index says");
    if (!best->media_type.empty()) inner.media_type = best->media_type;
    return choose(std::move(inner), level + 1);
}

Result<void> Registries::Pull::read_config() {
    if (parsed.config.media_type != model::media_type::docker_config &&
        parsed.config.media_type != model::media_type::oci_config)
        return unsupported("invalid manifest: \"" + parsed.config.media_type.substr(0, 200) +
                           "\" is not the config of a container image: " + reference.familiar() +
                           " is another kind of artifact");
    for (const model::Descriptor& layer : parsed.layers) TRY(check_layer(layer));
    if (parsed.config.size > int64_t{4} << 20)
        return Error(ErrorKind::too_large, "the image's config is larger than 4 MiB");
    config_json = TRY(session->small_blob(parsed.config, stop));
    config = TRY(model::parse_image_config(config_json));
    if (!config.os.empty() && config.os != "linux")
        return unsupported("image operating system \"" + config.os + "\" cannot be used on this platform");
    if (config.diff_ids.size() != parsed.layers.size())
        return invalid("layers from manifest don't match image configuration");
    return {};
}

Result<void> Registries::Pull::layers(std::vector<Lease>& leases) {
    std::vector<Digest> chain = chain_of(config.diff_ids);
    std::vector<std::pair<std::string, Ticket>> tickets;
    for (size_t i = 0; i < chain.size(); ++i) {
        leases.push_back(state.reserve(chain[i]));
        const std::string id = short_id(parsed.layers[i].digest);
        if (tickets.empty() && state.layers.get(chain[i]).ok()) {
            TRY(tell({id, "Already exists", true}));
            continue;
        }
        TRY(tell({id, "Pulling fs layer", true}));
        LayerWanted wanted{parsed.layers[i], config.diff_ids[i], chain[i], {}, {}, session};
        if (!tickets.empty()) wanted.below = tickets.back().second;
        if (i > 0) wanted.parent = chain[i - 1];
        Ticket ticket = jobs.begin(std::move(wanted));
        tickets.emplace_back(id, std::move(ticket));
    }
    return follow(tickets);
}

Result<void> Registries::Pull::follow(const std::vector<std::pair<std::string, Ticket>>& tickets) {
    struct Told {
        LayerPhase phase = LayerPhase::queued;
        int looks = 0; // while it was queued
        uint64_t current = 0;
    };
    std::vector<Told> told(tickets.size());
    uint64_t seen = 0;
    for (bool all = tickets.empty(); !all;) {
        all = true;
        std::optional<Error> failed;
        for (size_t i = 0; i < tickets.size(); ++i) {
            const std::string& id = tickets[i].first;
            LayerLook look = jobs.look(tickets[i].second);
            Told& was = told[i];
            all &= look.phase == LayerPhase::complete;
            if (look.phase == LayerPhase::failed) {
                // A layer above fails because one below did: say why, not that.
                if (!failed || failed->kind() == ErrorKind::cancelled) failed = look.error;
                continue;
            }
            if (look.phase == LayerPhase::queued && ++was.looks == 2) TRY(tell({id, "Waiting", true}));
            if (look.phase == LayerPhase::downloading && look.current != was.current)
                TRY(tell({id, "Downloading", true, look.current, look.total}));
            if (look.phase > LayerPhase::downloading && was.phase <= LayerPhase::downloading) {
                TRY(tell({id, "Verifying Checksum", true}));
                TRY(tell({id, "Download complete", true}));
            }
            if (look.phase == LayerPhase::extracting && (look.current != was.current || was.phase != look.phase))
                TRY(tell({id, "Extracting", true, look.current, look.total}));
            if (look.phase == LayerPhase::complete && was.phase != LayerPhase::complete) {
                TRY(tell({id, "Extracting", true, look.total, look.total}));
                TRY(tell({id, "Pull complete", true}));
            }
            was.phase = look.phase;
            was.current = look.current;
        }
        if (failed) return std::move(*failed);
        if (stop.stop_requested()) return Error(ErrorKind::cancelled, "context canceled");
        if (!all) jobs.wait(seen, progress_interval_ms, stop);
    }
    return {};
}

// Layers that were there before this pull are in this repository too.
Result<void> Registries::Pull::remember_origins() {
    const std::string repository = reference.domain + "/" + reference.path;
    for (size_t i = 0; i < parsed.layers.size(); ++i) {
        Origin layer{parsed.layers[i].media_type,
                     static_cast<uint64_t>(parsed.layers[i].size),
                     false,
                     {repository},
                     config.diff_ids[i],
                     {}};
        TRY(state.origins->add(parsed.layers[i].digest, layer));
    }
    TRY(state.blobs.put(manifest.text));
    std::string media_type = parsed.media_type.empty() ? manifest.media_type : parsed.media_type;
    if (media_type.find("manifest") == std::string::npos) media_type = model::media_type::oci_manifest;
    Origin origin{media_type, manifest.text.size(), true, {repository}, {}, parsed.config.digest};
    return state.origins->add(manifest.digest, origin);
}

Result<Digest> Registries::Pull::finish(bool& newer) {
    model::Reference by_digest = reference;
    by_digest.tag.clear();
    by_digest.digest = top.digest;
    std::vector<model::Reference> references{by_digest};
    if (!reference.digest) references.push_back(reference);
    {
        std::lock_guard held(state.mutex);
        auto before = lookup_target(state, reference);
        newer = !before || !before->contains(parsed.config.digest);
    }
    std::shared_lock storing(state.blobs_in_flight);
    TRY(remember_origins());
    std::optional<Digest> index;
    if (top.digest != manifest.digest) {
        // The list itself is kept: other platforms join the name by it, and it is pushed back.
        index = TRY(state.blobs.put(top.text));
        Origin origin{is_index_type(top.media_type) ? top.media_type : std::string(model::media_type::oci_index),
                      top.text.size(),
                      true,
                      {reference.domain + "/" + reference.path},
                      {},
                      {},
                      true};
        TRY(state.origins->add(*index, origin));
    }
    ImagePtr image = TRY(state.add_image(config_json, std::nullopt, references, index));
    return image->id;
}

Result<Digest> Registries::pull_one(const std::shared_ptr<registry::Session>& session,
                                    const model::Reference& reference, const PullRequest& request,
                                    const TransferListener& tell, const std::stop_token& stop, bool& newer) {
    Pull pull{*state_, *jobs_, session, reference, host_platform(), tell, stop, {}, {}, {}, {}, {}};
    if (!request.platform.empty()) pull.platform = TRY(parse_platform(request.platform));
    auto whole = [&]() -> Result<Digest> {
        pull.top = TRY(session->manifest(pull.target(), stop));
        TRY(pull.say(reference.digest ? reference.full() : reference.tag, "Pulling from " + reference.path));
        TRY(pull.choose(pull.top, 0));
        std::vector<Lease> leases;
        if (auto known = state_->get(pull.parsed.config.digest); known.ok()) {
            if ((*known)->chain_id) leases.push_back(state_->reserve(*(*known)->chain_id));
            pull.config = (*known)->config;
            auto text = state_->blobs.get(pull.parsed.config.digest);
            if (text.ok()) pull.config_json = std::move(text).value();
            for (const model::Descriptor& layer : pull.parsed.layers) TRY(check_layer(layer));
        }
        const bool there = !pull.config_json.empty() && pull.config.diff_ids.size() == pull.parsed.layers.size();
        if (!there) {
            TRY(pull.read_config());
            auto brought = pull.layers(leases);
            if (!brought.ok()) {
                std::vector<Digest> chain = chain_of(pull.config.diff_ids);
                leases.clear();
                for (auto it = chain.rbegin(); it != chain.rend(); ++it) (void)state_->collect_chain(*it);
                return std::move(brought).error();
            }
        }
        return pull.finish(newer);
    }();
    if (!whole.ok()) return pull_error(std::move(whole).error(), reference);
    TRY(pull.say("", "Digest: " + pull.top.digest.str()));
    return whole;
}

std::optional<std::string> Registries::platform_warning(const Digest& id, const model::Reference& reference,
                                                        const std::string& asked) const {
    auto wanted = parse_platform(asked);
    auto image = state_->get(id);
    if (asked.empty() || !wanted.ok() || !image.ok()) return std::nullopt;
    const model::Platform actual = platform_of(**image);
    if (fits(*wanted, actual)) return std::nullopt;
    return "image with reference " + reference.familiar() + " was found but its platform (" + format_platform(actual) +
           ") does not match the specified platform (" + format_platform(*wanted) + ")";
}

Result<std::vector<std::string>> Registries::pull(const PullRequest& request, const TransferListener& tell,
                                                  const std::stop_token& stop) {
    model::Reference reference = TRY(model::Reference::parse(request.name));
    // An X-Registry-Auth that can't be read counts as none, as it always did.
    auto credentials = registry::parse_auth_header(request.auth);
    auto session = std::make_shared<registry::Session>(
        client(), reference, credentials.ok() ? *credentials : registry::Credentials(), registry::Use::pull);
    size_t slash = request.name.rfind('/');
    const bool bare = request.name.find_first_of(":@", slash == std::string::npos ? 0 : slash) == std::string::npos;
    std::vector<model::Reference> wanted;
    if (bare) {
        auto tags = session->tags(stop);
        if (!tags.ok()) return pull_error(std::move(tags).error(), reference);
        for (const std::string& tag : *tags) wanted.push_back(TRY(with_tag(reference, tag)));
    } else {
        if (reference.digest) reference.tag.clear();
        wanted.push_back(reference);
    }
    std::vector<std::string> pulled, warnings;
    bool any_newer = false;
    for (const model::Reference& one : wanted) {
        bool newer = false;
        Digest id = TRY(pull_one(session, one, request, tell, stop, newer));
        any_newer |= newer;
        if (auto warning = platform_warning(id, one, request.platform)) warnings.push_back(std::move(*warning));
        pulled.push_back(one.familiar());
    }
    std::string name = bare ? reference.familiar_name() : reference.familiar();
    TRY(tell({"", std::string("Status: ") + (any_newer ? "Downloaded newer image for " : "Image is up to date for ") +
                      name}));
    // Some registries and images don't say what they are for: taken all the same, with a word on it.
    for (const std::string& one : warnings) TRY(tell({"", "WARNING: " + one}));
    return pulled;
}

} // namespace hull::image
