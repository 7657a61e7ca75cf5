#include "image/state.h"

#include <algorithm>

#include "base/log.h"
#include "codec/json.h"
#include "image/origins.h"
#include "image/platform.h"

namespace hull::image {

namespace {

struct StoredImage {
    std::string parent;
    int64_t last_tagged = 0; // nanoseconds
    bool of_build_cache = false;
};

} // namespace

} // namespace hull::image

template <>
struct hull::json::Fields<hull::image::StoredImage> {
    using S = hull::image::StoredImage;
    static constexpr auto list =
        std::tuple{field("parent", &S::parent, Emit::omit_empty), field("last_tagged", &S::last_tagged),
                   field("build_cache", &S::of_build_cache, Emit::omit_empty)};
};

namespace hull::image {

std::string print_known(const Known& known) {
    StoredImage stored;
    if (known.image->parent) stored.parent = known.image->parent->str();
    stored.last_tagged = known.last_tagged.ns;
    stored.of_build_cache = known.image->of_build_cache;
    return json::print(json::encode(stored));
}

ImageState::ImageState(store::Records& r, store::BlobStore& b, store::LayerStore& l)
    : records(r), blobs(b), layers(l) {}
ImageState::~ImageState() = default;

std::vector<Digest> chain_of(const std::vector<Digest>& diff_ids) {
    std::vector<Digest> chain;
    std::optional<Digest> top;
    for (const Digest& diff_id : diff_ids) {
        top = store::chain_id(top, diff_id);
        chain.push_back(*top);
    }
    return chain;
}

Error no_such_image(std::string_view name) {
    auto reference = model::Reference::parse(name);
    std::string text = reference.ok() ? reference->familiar() : std::string(name);
    return {ErrorKind::not_found, "No such image: " + text};
}

model::Platform platform_of(const Image& image) {
    model::Platform platform;
    platform.os = image.config.os.empty() ? "linux" : image.config.os;
    platform.architecture = image.config.architecture;
    platform.variant = image.config.variant;
    platform.os_version = image.config.os_version;
    return platform;
}

std::string truncated(std::string_view id) {
    if (size_t colon = id.find(':'); colon != id.npos) id.remove_prefix(colon + 1);
    return std::string(id.substr(0, 12));
}

model::Reference reference_of(const std::string& full) { return MUST(model::Reference::parse(full)); }

std::optional<Digest> lookup(const ImageState& state, const model::Reference& reference) {
    auto target = lookup_target(state, reference);
    if (!target) return std::nullopt;
    return target->first();
}

ImagePtr choose_platform(const std::vector<ImagePtr>& images, const model::Platform& wanted) {
    ImagePtr best;
    for (const ImagePtr& image : images) {
        model::Platform have = platform_of(*image);
        if (!fits(wanted, have)) continue;
        if (!best || (platform_of(*best).variant != wanted.variant && have.variant == wanted.variant)) best = image;
    }
    return best;
}

std::optional<Target> lookup_target(const ImageState& state, const model::Reference& reference) {
    auto it = state.references.find(reference.full());
    if (it == state.references.end() && reference.digest && !reference.tag.empty()) {
        // name:tag@digest means the digest.
        model::Reference untagged = reference;
        untagged.tag.clear();
        it = state.references.find(untagged.full());
    }
    if (it == state.references.end()) return std::nullopt;
    return it->second;
}

Result<ImagePtr> ImageState::read_image(const Digest& id, const std::optional<Digest>& parent,
                                        bool of_build_cache) const {
    std::string text = TRY(blobs.get(id));
    auto image = std::make_shared<Image>();
    image->id = id;
    image->parent = parent;
    image->of_build_cache = of_build_cache;
    image->config = TRY(model::parse_image_config(text));
    std::vector<Digest> chain = chain_of(image->config.diff_ids);
    for (const Digest& chain_id : chain) {
        store::Layer layer = TRY(layers.get(chain_id));
        image->size += layer.size;
    }
    if (!chain.empty()) image->chain_id = chain.back();
    return ImagePtr(std::move(image));
}

// An image that can't be read any more is dropped and said so; the others serve on.
Result<void> ImageState::load_records() {
    origins = TRY(Origins::open(records, blobs));
    std::vector<store::Record> stored_images = TRY(records.all(store::Table::images));
    for (const store::Record& record : stored_images) {
        auto read = [&]() -> Result<void> {
            Digest id = TRY(Digest::parse(record.key));
            json::Value value = TRY(json::parse(record.text));
            StoredImage stored = TRY(json::decode<StoredImage>(value));
            std::optional<Digest> parent;
            if (!stored.parent.empty()) parent = TRY(Digest::parse(stored.parent));
            ImagePtr image = TRY(read_image(id, parent, stored.of_build_cache));
            images.emplace(id, Known{std::move(image), WallTime{stored.last_tagged}, {}, {}});
            return {};
        }();
        if (read.ok()) continue;
        log::error("drop the record of image " + record.key, read.error());
        TRY(records.erase(store::Table::images, record.key));
    }
    std::vector<store::Record> stored_references = TRY(records.all(store::Table::references));
    for (const store::Record& record : stored_references) {
        auto target = parse_target(record.text);
        if (target.ok()) std::erase_if(target->images, [&](const Digest& id) { return !images.contains(id); });
        if (!target.ok() || target->images.empty() || !model::Reference::parse(record.key).ok()) {
            TRY(records.erase(store::Table::references, record.key));
            continue;
        }
        link(record.key, *target);
    }
    return {};
}

Result<ImagePtr> ImageState::get(const Digest& id) const {
    std::lock_guard held(mutex);
    auto it = images.find(id);
    if (it == images.end()) return Error(ErrorKind::not_found, "No such image: " + id.str());
    return it->second.image;
}

bool ImageState::has_children(const Digest& id) const {
    return std::any_of(images.begin(), images.end(),
                       [&](const auto& entry) { return entry.second.image->parent == id; });
}

std::map<Digest, int> ImageState::count_layer_users() const {
    std::map<Digest, int> users_of_layer;
    for (const auto& [id, known] : images)
        for (const Digest& chain_id : chain_of(known.image->config.diff_ids)) ++users_of_layer[chain_id];
    return users_of_layer;
}

std::vector<Digest> ImageState::group(const Digest& id) const {
    std::vector<Digest> out{id};
    auto known = images.find(id);
    if (known == images.end()) return out;
    for (const std::string& full : known->second.references)
        for (const Digest& other : references.at(full).images)
            if (std::find(out.begin(), out.end(), other) == out.end()) out.push_back(other);
    return out;
}

Result<Summary> ImageState::summarise(const Known& known, const std::map<Digest, int>& layer_users) const {
    Summary summary;
    summary.image = known.image;
    summary.last_tagged = known.last_tagged;
    summary.other_platform = known.references.empty() && !known.others.empty();
    {
        std::lock_guard held(mutex);
        summary.group = group(known.image->id);
    }
    std::set<std::string> names = known.references;
    names.insert(known.others.begin(), known.others.end());
    for (const std::string& full : names) {
        model::Reference reference = reference_of(full);
        (reference.digest ? summary.repo_digests : summary.repo_tags).push_back(reference.familiar());
    }
    for (const Digest& chain_id : chain_of(known.image->config.diff_ids)) {
        store::Layer layer = TRY(layers.get(chain_id));
        summary.layer_sizes.push_back(layer.size);
        auto it = layer_users.find(chain_id);
        if (it != layer_users.end() && it->second > 1) summary.shared_size += layer.size;
    }
    return summary;
}

Result<ImagePtr> ImageState::add_image(const std::string& config_json, const std::optional<Digest>& parent,
                                       const std::vector<model::Reference>& new_references,
                                       const std::optional<Digest>& index, bool of_build_cache) {
    std::shared_lock storing(blobs_in_flight);
    Digest id = TRY(blobs.put(config_json));
    std::lock_guard changing(change_mutex);
    Known known;
    bool is_new = false;
    {
        std::lock_guard held(mutex);
        auto it = images.find(id);
        is_new = it == images.end();
        if (!is_new) known = it->second;
    }
    if (is_new) {
        known.image = TRY(read_image(id, parent, of_build_cache));
        TRY(records.put(store::Table::images, id.str(), print_known(known), store::Durability::power_loss));
        std::lock_guard held(mutex);
        images.emplace(id, known);
    }
    for (const model::Reference& reference : new_references) {
        Target target{{id}, index};
        if (index) {
            std::lock_guard held(mutex);
            auto it = references.find(reference.full());
            if (it != references.end() && it->second.index == index) {
                target = it->second;
                if (!target.contains(id)) target.images.push_back(id);
            }
        }
        auto set = set_reference(reference.full(), std::move(target));
        if (set.ok()) continue;
        // Whoever asked for a name doesn't get a nameless image instead.
        storing.unlock();
        if (is_new)
            if (auto erased = erase_image(known.image); !erased.ok())
                log::warning("remove an image that got no name", erased.error());
        return std::move(set).error();
    }
    return known.image;
}

Result<void> ImageState::set_reference(const std::string& full, Target target) {
    Known known;
    {
        std::lock_guard held(mutex);
        for (const Digest& id : target.images)
            if (!images.contains(id)) return Error(ErrorKind::not_found, "No such image: " + id.str());
        std::stable_partition(target.images.begin(), target.images.end(),
                              [&](const Digest& id) { return runs_here(platform_of(*images.at(id).image)); });
        known = images.at(target.first());
    }
    known.last_tagged = wall_now();
    store::Change changes[] = {{store::Table::references, full, print_target(target)},
                               {store::Table::images, target.first().str(), print_known(known)}};
    TRY(records.commit(changes, store::Durability::power_loss));
    std::lock_guard held(mutex);
    unlink(full);
    images.at(target.first()).last_tagged = known.last_tagged;
    link(full, std::move(target));
    return {};
}

void ImageState::link(const std::string& full, Target target) {
    for (const Digest& id : target.images)
        (id == target.first() ? images.at(id).references : images.at(id).others).insert(full);
    references.insert_or_assign(full, std::move(target));
}

void ImageState::unlink(const std::string& full) {
    auto old = references.find(full);
    if (old == references.end()) return;
    for (const Digest& id : old->second.images) {
        auto it = images.find(id);
        if (it == images.end()) continue;
        it->second.references.erase(full);
        it->second.others.erase(full);
    }
    references.erase(old);
}

Result<void> ImageState::erase_reference(const std::string& full) {
    TRY(records.erase(store::Table::references, full, store::Durability::power_loss));
    std::lock_guard held(mutex);
    unlink(full);
    return {};
}

Result<void> ImageState::detach(const Digest& id) {
    std::map<std::string, Target> affected;
    {
        std::lock_guard held(mutex);
        for (const auto& [full, target] : references)
            if (target.contains(id)) affected.emplace(full, target);
    }
    for (auto& [full, target] : affected) {
        std::erase(target.images, id);
        if (target.images.empty())
            TRY(erase_reference(full));
        else
            TRY(set_reference(full, target));
    }
    return {};
}

// Its layers are the caller's to collect.
Result<void> ImageState::erase_image(const ImagePtr& image) {
    TRY(records.erase(store::Table::images, image->id.str(), store::Durability::power_loss));
    {
        std::lock_guard held(mutex);
        images.erase(image->id);
        orphans_possible = true;
    }
    // A config that is being stored again at this moment must stay; then the
    // next start finds it if nobody names it.
    std::unique_lock alone(blobs_in_flight, std::try_to_lock);
    if (alone) return blobs.remove(image->id);
    return {};
}

} // namespace hull::image
