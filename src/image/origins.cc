#include "image/origins.h"

#include "base/log.h"
#include "codec/json.h"

namespace hull::image {

namespace {

constexpr size_t max_repositories = 32; // of one blob: hints, the first are as good as the last

struct StoredOrigin {
    std::string media_type, diff_id, image;
    uint64_t size = 0;
    bool kept = false, index = false;
    std::vector<std::string> repositories;
};

} // namespace

} // namespace hull::image

template <>
struct hull::json::Fields<hull::image::StoredOrigin> {
    using S = hull::image::StoredOrigin;
    static constexpr auto list = std::tuple{field("media_type", &S::media_type),
                                            field("size", &S::size),
                                            field("kept", &S::kept),
                                            field("diff_id", &S::diff_id, Emit::omit_empty),
                                            field("image", &S::image, Emit::omit_empty),
                                            field("index", &S::index, Emit::omit_empty),
                                            field("repositories", &S::repositories)};
};

namespace hull::image {

namespace {

std::string print_origin(const Origin& origin) {
    StoredOrigin stored{origin.media_type, "", "", origin.size, origin.kept, origin.index, {}};
    if (origin.diff_id) stored.diff_id = origin.diff_id->str();
    if (origin.image) stored.image = origin.image->str();
    stored.repositories.assign(origin.repositories.begin(), origin.repositories.end());
    return json::print(json::encode(stored));
}

Result<Origin> parse_origin(const std::string& text) {
    auto stored = TRY(json::decode_text<StoredOrigin>(text));
    Origin origin{stored.media_type, stored.size, stored.kept, {}, {}, {}, stored.index};
    origin.repositories.insert(stored.repositories.begin(), stored.repositories.end());
    if (!stored.diff_id.empty()) origin.diff_id = TRY(Digest::parse(stored.diff_id));
    if (!stored.image.empty()) origin.image = TRY(Digest::parse(stored.image));
    if (int(origin.diff_id.has_value()) + int(origin.image.has_value()) + int(origin.index) != 1)
        return invalid("neither of a layer nor of an image nor an index");
    return origin;
}

} // namespace

Result<std::unique_ptr<Origins>> Origins::open(store::Records& records, store::BlobStore& blobs) {
    std::unique_ptr<Origins> origins(new Origins(records, blobs));
    std::vector<store::Record> all = TRY(records.all(store::Table::blobs));
    for (const store::Record& record : all) {
        auto digest = Digest::parse(record.key);
        auto origin = parse_origin(record.text);
        if (!digest.ok() || !origin.ok()) {
            log::error("the record of blob " + record.key + " can't be read and is dropped");
            TRY(records.erase(store::Table::blobs, record.key));
            continue;
        }
        if (origin->kept && !blobs.contains(*digest)) origin->kept = false;
        origins->known_.emplace(*digest, std::move(origin).value());
    }
    return origins;
}

Result<void> Origins::add(const Digest& blob, const Origin& origin) {
    std::lock_guard changing(change_mutex_);
    Origin merged = origin;
    {
        std::lock_guard held(mutex_);
        if (auto it = known_.find(blob); it != known_.end()) {
            merged = it->second;
            merged.kept |= origin.kept;
            for (const std::string& repository : origin.repositories)
                if (merged.repositories.size() < max_repositories) merged.repositories.insert(repository);
            if (merged.kept == it->second.kept && merged.repositories == it->second.repositories) return {};
        }
    }
    // An image's record follows, with its own sync: that makes this one last too.
    TRY(records_.put(store::Table::blobs, blob.str(), print_origin(merged)));
    std::lock_guard held(mutex_);
    known_.insert_or_assign(blob, std::move(merged));
    return {};
}

std::map<Digest, Origin> Origins::of_layer(const Digest& diff_id) const {
    std::lock_guard held(mutex_);
    std::map<Digest, Origin> out;
    for (const auto& [blob, origin] : known_)
        if (origin.diff_id == diff_id) out.emplace(blob, origin);
    return out;
}

std::map<Digest, Origin> Origins::of_image(const Digest& image) const {
    std::lock_guard held(mutex_);
    std::map<Digest, Origin> out;
    for (const auto& [blob, origin] : known_)
        if (origin.image == image) out.emplace(blob, origin);
    return out;
}

bool Origins::contains(const Digest& blob) const {
    std::lock_guard held(mutex_);
    return known_.contains(blob);
}

std::optional<Origin> Origins::find(const Digest& blob) const {
    std::lock_guard held(mutex_);
    auto it = known_.find(blob);
    if (it == known_.end()) return std::nullopt;
    return it->second;
}

std::vector<Digest> Origins::kept() const {
    std::lock_guard held(mutex_);
    std::vector<Digest> out;
    for (const auto& [blob, origin] : known_)
        if (origin.kept) out.push_back(blob);
    return out;
}

Result<void> Origins::lose(const Digest& blob) {
    std::lock_guard changing(change_mutex_);
    Origin origin;
    {
        std::lock_guard held(mutex_);
        auto it = known_.find(blob);
        if (it == known_.end()) return {};
        origin = it->second;
    }
    origin.kept = false;
    // Of a manifest or an index nothing is known without its text.
    if (origin.diff_id)
        TRY(records_.put(store::Table::blobs, blob.str(), print_origin(origin)));
    else
        TRY(records_.erase(store::Table::blobs, blob.str()));
    TRY(blobs_.remove(blob));
    std::lock_guard held(mutex_);
    if (origin.diff_id)
        known_.insert_or_assign(blob, origin);
    else
        known_.erase(blob);
    return {};
}

std::map<Digest, uint64_t> Origins::kept_bytes() const {
    std::lock_guard held(mutex_);
    std::map<Digest, uint64_t> out;
    for (const auto& [blob, origin] : known_)
        if (origin.kept) out[origin.diff_id ? *origin.diff_id : origin.image ? *origin.image : blob] += origin.size;
    return out;
}

Result<void> Origins::collect(const std::set<Digest>& diff_ids, const std::set<Digest>& images,
                              const std::set<Digest>& indexes) {
    std::lock_guard changing(change_mutex_);
    std::vector<std::pair<Digest, bool>> gone;
    {
        std::lock_guard held(mutex_);
        for (const auto& [blob, origin] : known_) {
            const bool needed = origin.diff_id ? diff_ids.contains(*origin.diff_id)
                                : origin.image ? images.contains(*origin.image)
                                               : indexes.contains(blob);
            if (!needed) gone.emplace_back(blob, origin.kept);
        }
    }
    for (const auto& [blob, kept] : gone) {
        TRY(records_.erase(store::Table::blobs, blob.str()));
        if (kept) TRY(blobs_.remove(blob));
        std::lock_guard held(mutex_);
        known_.erase(blob);
    }
    return {};
}

} // namespace hull::image
