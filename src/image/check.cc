// Whether images, names, blobs and layers are whole; what isn't can be fetched
// again, so mending is removing it.
#include <fcntl.h>

#include "codec/compress/sha256.h"
#include "image/origins.h"
#include "image/state.h"
#include "store/fd_stream.h"

namespace hull::image {

namespace {

using store::CheckDepth;
using store::Damages;
using store::Repair;

class Check {
public:
    Check(ImageState& state, CheckDepth depth, Repair repair) : state_(state), depth_(depth), repair_(repair) {}
    Result<Damages> run();

private:
    void layers();
    Result<void> blobs();
    Result<void> records();
    // Why it isn't what its digest says; nullopt: it is.
    std::optional<std::string> fault_of(const store::Blob& blob, const std::optional<Origin>& origin) const;
    // With its names and its layers. Errors: conflict when containers stand on it.
    Result<void> forget(const Digest& image);
    std::string names_of(const Digest& image) const;

    ImageState& state_;
    CheckDepth depth_;
    Repair repair_;
    Damages found_;
};

std::string Check::names_of(const Digest& image) const {
    std::lock_guard held(state_.mutex);
    std::string names;
    auto known = state_.images.find(image);
    if (known == state_.images.end()) return image.str();
    for (const auto* list : {&known->second.references, &known->second.others})
        for (const std::string& full : *list) names += (names.empty() ? "" : ", ") + reference_of(full).familiar();
    return names.empty() ? image.str() : names;
}

Result<void> Check::forget(const Digest& id) {
    std::vector<ImageUser> users = state_.users ? state_.users(id) : std::vector<ImageUser>();
    if (!users.empty())
        return Error(ErrorKind::conflict, "container " + truncated(users.front().container_id) +
                                              " was made from it: remove that first, then repair again");
    ImagePtr image;
    {
        std::lock_guard changing(state_.change_mutex);
        auto found = state_.get(id);
        if (!found.ok()) return {}; // with another one already
        image = *found;
        TRY(state_.detach(id));
        TRY(state_.erase_image(image));
    }
    TRY(state_.collect_chain(image->chain_id));
    return state_.collect_blobs();
}

void Check::layers() {
    for (const store::Layer& layer : state_.layers.list()) {
        auto good = state_.layers.verify(layer.chain_id, depth_);
        if (good.ok() || !state_.layers.get(layer.chain_id).ok()) continue; // or it went meanwhile
        std::vector<Digest> images;
        std::string names;
        {
            std::lock_guard held(state_.mutex);
            for (const auto& [id, known] : state_.images) {
                std::vector<Digest> chain = chain_of(known.image->config.diff_ids);
                if (std::find(chain.begin(), chain.end(), layer.chain_id) != chain.end()) images.push_back(id);
            }
        }
        for (const Digest& id : images) names += (names.empty() ? "" : ", ") + names_of(id);
        store::Damage damage{"layer", layer.chain_id.str(), good.error().message(),
                             names.empty() ? "it is removed" : "these images are removed, pull them again: " + names};
        note(found_, std::move(damage), repair_, [&]() -> Result<void> {
            for (const Digest& id : images) TRY(forget(id));
            TRY(state_.collect_chain(layer.chain_id));
            if (state_.layers.get(layer.chain_id).ok())
                return Error(ErrorKind::conflict, "a container or another layer stands on it: remove that first");
            return {};
        });
    }
}

std::optional<std::string> Check::fault_of(const store::Blob& blob, const std::optional<Origin>& origin) const {
    if (origin && origin->size != blob.size)
        return "it has " + std::to_string(blob.size) + " bytes, not " + std::to_string(origin->size);
    if (depth_ == CheckDepth::presence) return std::nullopt;
    auto fd = state_.blobs.open_blob(blob.digest);
    if (!fd.ok()) return fd.error().kind() == ErrorKind::not_found ? std::nullopt : std::optional(fd.error().message());
    store::FdSource file(*fd);
    Sha256 hash;
    std::string piece(size_t{256} << 10, '\0');
    for (;;) {
        auto n = file.read(piece);
        if (!n.ok()) return "it can't be read: " + n.error().message();
        if (*n == 0) break;
        hash.update(std::string_view(piece).substr(0, *n));
    }
    const std::string got = hash.hex_digest();
    if (got == blob.digest.hex()) return std::nullopt;
    return "its digest is sha256:" + got;
}

Result<void> Check::blobs() {
    // Nothing is being stored meanwhile that no record names yet, or strangers stay.
    std::unique_lock alone(state_.blobs_in_flight, std::try_to_lock);
    std::set<Digest> there;
    for (const store::Blob& blob : TRY(state_.blobs.list())) {
        there.insert(blob.digest);
        auto origin = state_.origins->find(blob.digest);
        bool is_config = false;
        {
            std::lock_guard held(state_.mutex);
            is_config = state_.images.contains(blob.digest);
        }
        if (!is_config && !origin) {
            if (!alone) continue;
            note(found_, {"blob", blob.digest.str(), "no image needs it", "it is removed"}, repair_,
                 [&] { return state_.blobs.remove(blob.digest); });
            continue;
        }
        auto fault = fault_of(blob, is_config ? std::nullopt : origin);
        if (!fault) continue;
        if (!is_config) {
            note(found_, {"blob", blob.digest.str(), *fault, "it is removed; a push packs the layer again"}, repair_,
                 [&] { return state_.origins->lose(blob.digest); });
            continue;
        }
        const std::string names = names_of(blob.digest);
        if (alone) alone.unlock(); // forgetting it takes its turn
        note(found_, {"image", names, "config " + blob.digest.str() + ": " + *fault, "it is removed, pull it again"},
             repair_, [&]() -> Result<void> {
                 TRY(forget(blob.digest));
                 return state_.blobs.remove(blob.digest);
             });
        (void)alone.try_lock();
    }
    for (const Digest& blob : state_.origins->kept()) {
        if (there.contains(blob) || state_.blobs.contains(blob)) continue;
        note(found_, {"blob", blob.str(), "it is missing on disk", "its record says so; a push packs the layer again"},
             repair_, [&] { return state_.origins->lose(blob); });
    }
    std::vector<Digest> without_config;
    {
        std::lock_guard held(state_.mutex);
        for (const auto& [id, known] : state_.images)
            if (!state_.blobs.contains(id)) without_config.push_back(id);
    }
    if (alone) alone.unlock();
    for (const Digest& id : without_config)
        note(found_, {"image", names_of(id), "its config is missing on disk", "it is removed, pull it again"}, repair_,
             [&] { return forget(id); });
    return {};
}

// Somebody wrote to the database: what is served is what its records say.
Result<void> Check::records() {
    std::lock_guard changing(state_.change_mutex);
    std::map<std::string, std::string> images, names;
    for (store::Record& one : TRY(state_.records.all(store::Table::images))) images[one.key] = std::move(one.text);
    for (store::Record& one : TRY(state_.records.all(store::Table::references))) names[one.key] = std::move(one.text);
    std::map<std::string, Target> targets;
    std::vector<std::pair<std::string, std::string>> known;
    {
        std::lock_guard held(state_.mutex);
        targets.insert(state_.references.begin(), state_.references.end());
        for (const auto& [id, one] : state_.images) known.emplace_back(id.str(), print_known(one));
    }
    auto put = [&](store::Table table, const std::string& key, const std::string& text) {
        return [&, table] { return state_.records.put(table, key, text, store::Durability::power_loss); };
    };
    for (const auto& [key, text] : known) {
        if (images.erase(key)) continue;
        note(found_, {"image", key, "its record is gone", "it is written again"}, repair_,
             put(store::Table::images, key, text));
    }
    for (const auto& [key, target] : targets) {
        const std::string text = print_target(target);
        auto it = names.find(key);
        const bool same = it != names.end() && it->second == text;
        if (it != names.end()) names.erase(it);
        if (same) continue;
        note(found_, {"name", key, "its record is gone or another one", "it is written again"}, repair_,
             put(store::Table::references, key, text));
    }
    for (const auto& [table, left, kind] :
         {std::tuple{store::Table::images, &images, "image"}, std::tuple{store::Table::references, &names, "name"}})
        for (const auto& [key, text] : *left)
            note(found_, {kind, key, "a record of what isn't there", "it is removed"}, repair_,
                 [&, table = table] { return state_.records.erase(table, key, store::Durability::power_loss); });
    return {};
}

Result<Damages> Check::run() {
    TRY(records());
    layers();
    TRY(state_.layers.check_strangers(found_, repair_));
    TRY(blobs());
    TRY(state_.blobs.check_temporary(found_, repair_));
    return std::move(found_);
}

} // namespace

Result<Damages> Images::check(CheckDepth depth, Repair repair) { return Check(*state_, depth, repair).run(); }

} // namespace hull::image
