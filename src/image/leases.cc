#include "base/log.h"
#include "image/origins.h"
#include "image/state.h"

namespace hull::image {

namespace {

constexpr int64_t partial_blob_life_ns = int64_t{7} * 24 * 3600 * 1'000'000'000; // a pull that is tried again

} // namespace

// A layer that is there stays until the last copy of what is returned goes.
std::shared_ptr<void> ImageState::hold(const Digest& chain_id) {
    {
        std::unique_lock held(mutex);
        changed.wait(held, [&] { return !dying.contains(chain_id); });
        ++holds[chain_id];
    }
    // Letting go only counts: whether the layer is still of use is collect()'s
    // to find out, for at shutdown everything is let go and nothing may vanish.
    auto let_go = [state = shared_from_this(), chain_id](void*) {
        std::lock_guard held(state->mutex);
        auto it = state->holds.find(chain_id);
        if (--it->second == 0) state->holds.erase(it);
    };
    return {this, std::move(let_go)};
}

Lease ImageState::reserve(const Digest& chain_id) {
    Lease lease;
    lease.hold_ = hold(chain_id);
    lease.chain_id_ = chain_id;
    return lease;
}

Result<std::unique_ptr<store::StagedLayer>> ImageState::stage_copy_of(const Digest& diff_id) {
    for (const store::Layer& layer : layers.list())
        if (layer.diff_id == diff_id) return layers.stage_copy(layer.chain_id);
    return Error(ErrorKind::internal, "no layer with the diff id " + diff_id.str());
}

Result<std::vector<std::string>> ImageState::folders(const std::optional<Digest>& chain_id) const {
    std::vector<std::string> lower;
    for (auto id = chain_id; id;) {
        store::Layer layer = TRY(layers.get(*id));
        std::string path = TRY(layers.path(*id));
        lower.push_back(std::move(path));
        if (layer.opaque_root) break;
        id = layer.parent;
    }
    if (lower.empty()) lower.push_back(layers.empty_path());
    return lower;
}

Result<std::vector<Digest>> ImageState::collect_chain(std::optional<Digest> chain_id) {
    std::vector<Digest> removed;
    while (chain_id) {
        auto layer = layers.get(*chain_id);
        if (!layer.ok()) break; // somebody else was faster
        {
            std::lock_guard held(mutex);
            bool needed = holds.contains(*chain_id) || dying.contains(*chain_id);
            for (const auto& [id, known] : images) needed |= known.image->chain_id == chain_id;
            if (needed) break;
            dying.insert(*chain_id);
        }
        auto gone = layers.remove(*chain_id);
        {
            std::lock_guard held(mutex);
            dying.erase(*chain_id);
            changed.notify_all();
        }
        if (!gone.ok()) {
            if (gone.error().kind() == ErrorKind::conflict) break; // another layer stands on it
            return std::move(gone).error();
        }
        removed.push_back(*chain_id);
        chain_id = layer->parent;
    }
    return removed;
}

Result<void> ImageState::collect_blobs() {
    // What is being stored has no name yet; then it is done another time.
    std::unique_lock alone(blobs_in_flight, std::try_to_lock);
    if (!alone) {
        std::lock_guard held(mutex);
        orphans_possible = true;
        return {};
    }
    std::set<Digest> diff_ids, ids, indexes;
    for (const store::Layer& layer : layers.list()) diff_ids.insert(layer.diff_id);
    {
        std::lock_guard held(mutex);
        for (const auto& [id, known] : images) ids.insert(id);
        for (const auto& [full, target] : references)
            if (target.index) indexes.insert(*target.index);
    }
    return origins->collect(diff_ids, ids, indexes);
}

Result<Lease> Images::hold(const std::optional<Digest>& chain_id) const {
    Lease lease;
    if (chain_id) lease.hold_ = state_->hold(*chain_id);
    lease.chain_id_ = chain_id;
    lease.lower_ = TRY(state_->folders(chain_id));
    return lease;
}

Result<Lease> Images::rootfs(const Digest& image_id) const {
    ImagePtr image = TRY(state_->get(image_id));
    return hold(image->chain_id);
}

Result<void> Images::collect() {
    bool first = false;
    {
        std::lock_guard held(state_->mutex);
        if (!state_->orphans_possible) return {};
        state_->orphans_possible = false;
        first = std::exchange(state_->first_collection, false);
    }
    std::vector<store::Layer> all = state_->layers.list();
    std::set<Digest> parents;
    for (const store::Layer& layer : all)
        if (layer.parent) parents.insert(*layer.parent);
    // Only tops: what lies below goes with them, or is needed by another.
    for (const store::Layer& layer : all)
        if (!parents.contains(layer.chain_id)) TRY(state_->collect_chain(layer.chain_id));
    {
        // Layers that a lease alone keeps are looked at again.
        std::lock_guard held(state_->mutex);
        for (const auto& [chain_id, count] : state_->holds) {
            bool has_image = false;
            for (const auto& [id, known] : state_->images) has_image |= known.image->chain_id == chain_id;
            state_->orphans_possible |= !has_image;
        }
    }
    TRY(state_->collect_blobs());
    if (!first) return {};
    TRY(state_->blobs.remove_partials_older_than(partial_blob_life_ns));
    std::unique_lock alone(state_->blobs_in_flight, std::try_to_lock);
    if (!alone) return {};
    std::vector<store::Blob> blobs = TRY(state_->blobs.list());
    for (const store::Blob& blob : blobs) {
        std::unique_lock held(state_->mutex);
        const bool needed = state_->images.contains(blob.digest) || state_->origins->contains(blob.digest);
        held.unlock();
        if (!needed) TRY(state_->blobs.remove(blob.digest));
    }
    return {};
}

} // namespace hull::image
