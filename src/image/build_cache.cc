// What steps of builds gave: images that no name and no list has.
#include <map>
#include <set>

#include "image/state.h"

namespace hull::image {

Result<std::vector<CachedStep>> Images::build_cache() const {
    std::vector<CachedStep> out;
    std::set<Digest> in_images; // chain ids
    std::vector<ImagePtr> others;
    {
        std::lock_guard held(state_->mutex);
        for (const auto& [id, known] : state_->images) {
            if (known.image->of_build_cache)
                out.push_back({known.image, std::nullopt, 0, false});
            else
                others.push_back(known.image);
        }
    }
    if (out.empty()) return out;
    for (const ImagePtr& image : others)
        for (const Digest& chain_id : chain_of(image->config.diff_ids)) in_images.insert(chain_id);
    std::set<Digest> counted; // a layer is one step's only
    for (CachedStep& step : out) {
        if (!step.image->chain_id) continue;
        auto layer = state_->layers.get(*step.image->chain_id);
        if (!layer.ok()) continue;
        step.below = layer->parent;
        step.shared = in_images.contains(*step.image->chain_id);
        if (counted.insert(*step.image->chain_id).second) step.size = layer->size;
    }
    return out;
}

Result<std::vector<Digest>> Images::forget_build_cache(const std::vector<Digest>& ids) {
    std::vector<Digest> chains;
    for (const Digest& id : ids) {
        auto image = state_->get(id);
        if (!image.ok() || !(*image)->of_build_cache) continue;
        if (state_->users && !state_->users(id).empty()) continue; // a step runs in it
        std::lock_guard changing(state_->change_mutex);
        if (!state_->get(id).ok()) continue;
        TRY(state_->erase_image(*image));
        if ((*image)->chain_id) chains.push_back(*(*image)->chain_id);
    }
    return chains;
}

Result<uint64_t> Images::remove_unused_layers(const std::vector<Digest>& chain_ids) {
    std::map<Digest, uint64_t> sizes;
    uint64_t bytes = 0;
    for (const Digest& top : chain_ids) {
        // Until the bottom: all of them may go.
        for (std::optional<Digest> at = top; at;) {
            auto layer = state_->layers.get(*at);
            if (!layer.ok() || !sizes.emplace(*at, layer->size).second) break;
            at = layer->parent;
        }
        for (const Digest& gone : TRY(state_->collect_chain(top))) bytes += sizes[gone];
    }
    if (!chain_ids.empty()) TRY(state_->collect_blobs());
    return bytes;
}

} // namespace hull::image
