#include "image/images.h"

#include <algorithm>

#include "image/origins.h"
#include "image/platform.h"
#include "image/state.h"

namespace hull::image {

Images::Images(std::shared_ptr<ImageState> state) : state_(std::move(state)) {}
Images::~Images() = default;

Result<std::unique_ptr<Images>> Images::open(store::Records& records, store::BlobStore& blobs,
                                             store::LayerStore& layers) {
    auto state = std::make_shared<ImageState>(records, blobs, layers);
    TRY(state->load_records().context("open the image store"));
    return std::unique_ptr<Images>(new Images(std::move(state)));
}

void Images::set_users(UsersOf users) { state_->users = std::move(users); }

namespace {

// Ids that begin with text; with or without the algorithm.
std::optional<Digest> find_by_prefix(const ImageState& state, std::string_view text) {
    constexpr std::string_view algorithm = "sha256:";
    if (text.starts_with(algorithm)) text.remove_prefix(algorithm.size());
    const bool hex =
        std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (text.empty() || text.size() > 64 || !hex) return std::nullopt;
    std::string from = std::string(algorithm) + std::string(text);
    std::optional<Digest> found;
    for (auto it = state.images.lower_bound(Digest::from_sha256_hex(std::string(text)));
         it != state.images.end() && it->first.str().starts_with(from); ++it) {
        if (it->second.image->of_build_cache) continue;
        if (found) return std::nullopt; // ambiguous: Docker says there is none
        found = it->first;
    }
    return found;
}

} // namespace

// In Docker's order: a full id, a reference, a part of an id.
Result<ImagePtr> Images::resolve(std::string_view name) const {
    const bool bare_id = name.size() == 64 && Digest::parse("sha256:" + std::string(name)).ok();
    auto full_id = Digest::parse(bare_id ? "sha256:" + std::string(name) : std::string(name));
    if (full_id.ok()) return state_->get(*full_id);

    model::Reference reference = TRY(model::Reference::parse(name));
    std::lock_guard held(state_->mutex);
    auto id = lookup(*state_, reference);
    if (!id) id = find_by_prefix(*state_, name);
    if (!id) return no_such_image(name);
    return state_->images.at(*id).image;
}

Result<ImagePtr> Images::resolve(std::string_view name, const model::Platform& wanted) const {
    ImagePtr image = TRY(resolve(name));
    std::vector<ImagePtr> candidates;
    {
        std::lock_guard held(state_->mutex);
        std::vector<Digest> ids = state_->group(image->id);
        // The name may stand for less than all that its first image is with.
        if (auto reference = model::Reference::parse(name); reference.ok())
            if (auto target = lookup_target(*state_, *reference); target && target->first() == image->id)
                ids = target->images;
        for (const Digest& id : ids)
            if (auto it = state_->images.find(id); it != state_->images.end()) candidates.push_back(it->second.image);
    }
    if (ImagePtr found = choose_platform(candidates, wanted)) return found;
    if (candidates.size() > 1)
        return Error(ErrorKind::not_found, "image with reference " + std::string(name) +
                                               " was found but does not provide the specified platform (" +
                                               format_platform(wanted) + ")");
    model::Platform have = platform_of(*image);
    return Error(ErrorKind::not_found, "image with reference " + std::string(name) + " was found but its platform (" +
                                           format_platform(have) + ") does not match the specified platform (" +
                                           format_platform(wanted) + ")");
}

Result<Summary> Images::inspect(std::string_view name) const {
    ImagePtr image = TRY(resolve(name));
    Known known;
    std::map<Digest, int> layer_users;
    {
        std::lock_guard held(state_->mutex);
        auto it = state_->images.find(image->id);
        if (it == state_->images.end()) return no_such_image(name);
        known = it->second;
        layer_users = state_->count_layer_users();
    }
    return state_->summarise(known, layer_users);
}

std::map<Digest, uint64_t> Images::kept_bytes() const { return state_->origins->kept_bytes(); }

Result<std::string> Images::config_json(const Digest& image_id) const {
    TRY(state_->get(image_id));
    return state_->blobs.get(image_id);
}

Result<std::vector<HistoryItem>> Images::history(std::string_view name) const {
    Summary summary = TRY(inspect(name));
    std::vector<HistoryItem> items;
    size_t layer = 0;
    for (const model::HistoryEntry& entry : summary.image->config.history) {
        HistoryItem item;
        item.id = "<missing>";
        item.created = entry.created;
        item.created_by = entry.created_by;
        item.comment = entry.comment;
        if (!entry.empty_layer) {
            if (layer == summary.layer_sizes.size())
                return Error(ErrorKind::corrupt, "too many non-empty layers in History section");
            item.size = summary.layer_sizes[layer++];
        }
        items.push_back(std::move(item));
    }
    std::reverse(items.begin(), items.end());
    // The ids of the images that it was made from, as far as they are here.
    std::optional<Digest> id = summary.image->id;
    for (HistoryItem& item : items) {
        if (!id) break;
        std::lock_guard held(state_->mutex);
        auto it = state_->images.find(*id);
        if (it == state_->images.end()) break;
        item.id = id->str();
        for (const std::string& full : it->second.references) {
            model::Reference reference = reference_of(full);
            if (!reference.digest) item.tags.push_back(reference.familiar());
        }
        id = it->second.image->parent;
    }
    return items;
}

Result<Digest> Images::tag(std::string_view name, std::string_view repository, std::string_view tag) {
    ImagePtr image = TRY(resolve(name));
    model::Reference reference = TRY(model::Reference::parse(repository));
    if (reference.digest) return Error(ErrorKind::invalid_argument, "refusing to create a tag with a digest reference");
    if (!tag.empty()) reference = TRY(with_tag(std::move(reference), tag));
    std::lock_guard changing(state_->change_mutex);
    Target target{{image->id}, std::nullopt};
    {
        // All platforms of the name get the new one; of an id, those of a name of it.
        std::lock_guard held(state_->mutex);
        auto given = model::Reference::parse(name);
        auto named = given.ok() ? lookup_target(*state_, *given) : std::nullopt;
        if (named && named->first() == image->id) {
            target = *named;
        } else if (auto known = state_->images.find(image->id); known != state_->images.end()) {
            for (const std::string& full : known->second.references)
                if (const Target& one = state_->references.at(full); one.images.size() >= target.images.size())
                    target = one;
        }
    }
    TRY(state_->set_reference(reference.full(), std::move(target)));
    return image->id;
}

Result<void> Images::name_several(const std::vector<Digest>& ids, const model::Reference& reference) {
    if (ids.empty()) return invalid("a name of no image");
    std::lock_guard changing(state_->change_mutex);
    return state_->set_reference(reference.full(), Target{ids, std::nullopt});
}

Result<model::Reference> with_tag(model::Reference name, std::string_view tag) {
    name.tag.clear();
    name.digest.reset();
    if (tag.find_first_of(":/@") != tag.npos) return Error(ErrorKind::invalid_argument, "invalid tag format");
    auto tagged = model::Reference::parse(name.full() + ":" + std::string(tag));
    if (!tagged.ok()) return Error(ErrorKind::invalid_argument, "invalid tag format");
    return tagged;
}

Result<Digest> Images::create(model::ImageConfig config, const std::optional<Digest>& base_image, ByteSource* layer,
                              const std::optional<model::Reference>& reference, Making making) {
    Stage stage;
    if (layer) stage = [&] { return state_->layers.stage(*layer, {}); };
    return create_on(std::move(config), base_image, stage, reference, making);
}

Result<Digest> Images::create_adopting(model::ImageConfig config, const std::optional<Digest>& base_image,
                                       const std::string& folder, const store::LayerStore::TarWriter& write,
                                       Making making) {
    return create_on(
        std::move(config), base_image, [&] { return state_->layers.adopt(folder, write); }, std::nullopt, making);
}

Result<Digest> Images::create_on(model::ImageConfig config, const std::optional<Digest>& base_image, const Stage& stage,
                                 const std::optional<model::Reference>& reference, Making making) {
    Lease base; // its layers stay until the image has a record
    std::optional<Digest> top;
    config.diff_ids.clear();
    if (base_image) {
        ImagePtr image = TRY(state_->get(*base_image));
        base = TRY(hold(image->chain_id));
        top = image->chain_id;
        config.diff_ids = image->config.diff_ids;
    }
    Lease own;
    if (stage) {
        auto staged = TRY(stage());
        own = state_->reserve(store::chain_id(top, staged->diff_id()));
        store::Layer made = TRY(state_->layers.commit(std::move(staged), top));
        config.diff_ids.push_back(made.diff_id);
    }
    std::vector<model::Reference> references;
    if (reference) references.push_back(*reference);
    const std::optional<Digest> parent = making == Making::child ? base_image : std::nullopt;
    auto image = state_->add_image(model::print_image_config(config), parent, references, std::nullopt,
                                   making == Making::build_cache);
    if (!image.ok()) {
        auto chain = own.chain_id();
        own = Lease();
        if (chain) (void)state_->collect_chain(chain);
        return std::move(image).error();
    }
    return (*image)->id;
}

Result<Digest> Images::create_on_layers(model::ImageConfig config, const Digest& image, size_t layers,
                                        const std::optional<Digest>& parent, Making making) {
    ImagePtr from = TRY(state_->get(image));
    const auto& ids = from->config.diff_ids;
    if (layers > ids.size())
        return invalid("image " + image.str() + " has only " + std::to_string(ids.size()) + " layers");
    Lease whole = TRY(hold(from->chain_id)); // until the image has a record
    config.diff_ids.assign(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(layers));
    auto made =
        TRY(state_->add_image(model::print_image_config(config), making == Making::child ? parent : std::nullopt, {},
                              std::nullopt, making == Making::build_cache));
    return made->id;
}

} // namespace hull::image
