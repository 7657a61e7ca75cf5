// What builds keep for the next, and getting rid of it.
#include <algorithm>
#include <set>

#include <fcntl.h>

#include "base/log.h"
#include "base/random.h"
#include "build/build_state.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace hull::build {

namespace {

uint64_t bytes_below(const std::string& folder) {
    auto opened = sys::open(folder, O_PATH | O_DIRECTORY);
    if (!opened.ok()) return 0;
    FolderTree tree(std::move(*opened));
    uint64_t bytes = 0;
    (void)walk(tree, "", [&](const std::string&, const Node& node) -> Result<bool> {
        bytes += node.size;
        return true;
    });
    return bytes;
}

constexpr std::string_view cache_mount_type = "exec.cachemount";
constexpr std::string_view removed_mark = ".gone-"; // in names of cache mounts that are being removed

} // namespace

// Steps, then cache mounts.
Result<std::vector<CacheRecord>> Builder::usage() {
    auto steps = TRY(ports_.images.images().build_cache());
    std::map<Digest, const CacheEntry*> by_image;
    const auto entries = TRY(cache_.all());
    for (const CacheEntry& entry : entries) {
        auto& known = by_image[entry.image];
        if (!known || known->used < entry.used) known = &entry;
    }
    std::map<Digest, std::string> tops; // chain id -> record
    for (const auto& step : steps)
        if (step.image->chain_id) tops.emplace(*step.image->chain_id, step.image->id.hex());
    std::multiset<Digest> pins;
    {
        std::lock_guard lock(pins_mutex_);
        pins = pins_;
    }
    std::vector<CacheRecord> out;
    for (const auto& step : steps) {
        CacheRecord record{.id = step.image->id.hex(), .type = "regular"};
        record.size = step.size;
        record.shared = step.shared;
        record.created = step.image->config.created;
        record.in_use = pins.contains(step.image->id);
        if (step.below)
            if (auto parent = tops.find(*step.below); parent != tops.end()) record.parents.push_back(parent->second);
        if (auto entry = by_image.find(step.image->id); entry != by_image.end()) {
            record.description = entry->second->description;
            record.used = entry->second->used;
            record.uses = entry->second->uses;
        }
        out.push_back(std::move(record));
    }
    const std::string folder = ports_.folder + "/cache";
    auto names = sys::list_dir(folder);
    if (!names.ok()) return out; // no cache mount yet
    for (const std::string& name : *names) {
        if (name.find(removed_mark) != name.npos) continue;
        auto made = sys::lstat(folder + "/" + name);
        if (!made.ok()) continue;
        CacheRecord record{.id = name, .type = std::string(cache_mount_type)};
        record.description = "cache mount of RUN";
        record.size = bytes_below(folder + "/" + name);
        record.created = WallTime{made->st_mtim.tv_sec * 1'000'000'000 + made->st_mtim.tv_nsec};
        record.used = record.created;
        std::lock_guard lock(pins_mutex_);
        record.in_use = mounts_in_use_.contains(name);
        out.push_back(std::move(record));
    }
    return out;
}

namespace {

// How many bytes may stay; nullopt: none of what fits. Source: BuildKit, cache/manager.go calculateKeepBytes.
std::optional<uint64_t> bytes_to_keep(const CachePrune& request, uint64_t total, uint64_t free_bytes) {
    if (!request.max_used_bytes && !request.reserved_bytes && !request.min_free_bytes) return std::nullopt;
    uint64_t keep = request.max_used_bytes ? request.max_used_bytes : request.min_free_bytes ? total : 0;
    if (request.min_free_bytes > free_bytes) {
        const uint64_t excess = request.min_free_bytes - free_bytes;
        keep = std::min(keep, total > excess ? total - excess : 0);
    }
    return std::max(keep, request.reserved_bytes);
}

// Those to remove: the least used first, and what nothing stands on before what something does.
std::vector<CacheRecord> chosen_records(std::vector<CacheRecord> all, const CachePrune& request, uint64_t free_bytes) {
    uint64_t total = 0;
    std::map<std::string, size_t> children;
    for (const CacheRecord& record : all) {
        if (!record.shared) total += record.size; // what images have is theirs
        for (const std::string& parent : record.parents) ++children[parent];
    }
    const auto keep = bytes_to_keep(request, total, free_bytes);
    std::ranges::stable_sort(all, {},
                             [](const CacheRecord& record) { return record.used.value_or(record.created).ns; });
    std::vector<CacheRecord> out;
    std::vector<bool> done(all.size());
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < all.size(); ++i) {
            const CacheRecord& record = all[i];
            if (keep && total <= *keep) return out;
            if (done[i] || record.in_use || (!request.all && record.shared)) continue;
            // When it was created is what the image says: SOURCE_DATE_EPOCH, maybe.
            if (request.unused_since && (!record.used || record.used->ns >= request.unused_since->ns)) continue;
            if (request.fits && !request.fits(record)) continue;
            if (keep && children[record.id] > 0) continue; // another time
            done[i] = again = true;
            if (!record.shared) total -= record.size;
            for (const std::string& parent : record.parents) --children[parent];
            out.push_back(record);
            if (keep) break; // a parent may be older than what comes next
        }
    }
    return out;
}

} // namespace

// What is chosen is forgotten with the lock held, which takes no time; files go after it.
Result<Pruned> Builder::prune_cache(const CachePrune& request) {
    Pruned pruned;
    const uint64_t free_bytes = request.min_free_bytes ? TRY(sys::free_bytes(ports_.folder)) : 0;
    const auto chosen = chosen_records(TRY(usage()), request, free_bytes);
    const bool everything =
        !request.fits && !request.reserved_bytes && !request.max_used_bytes && !request.min_free_bytes;
    std::set<Digest> ids;
    for (const CacheRecord& record : chosen)
        if (record.type != cache_mount_type) ids.insert(Digest::from_sha256_hex(record.id));
    std::vector<Digest> chains;
    {
        std::unique_lock alone(cache_mutex_);
        {
            std::lock_guard lock(pins_mutex_);
            std::erase_if(ids, [&](const Digest& id) { return pins_.contains(id); });
        }
        std::vector<CacheKey> keys;
        for (const CacheEntry& entry : TRY(cache_.all())) {
            auto image = ports_.images.images().resolve(entry.image.str());
            // Steps of the classic way are images, which stay; that they are steps is forgotten with all else.
            const bool gone = !image.ok();
            const bool classic = image.ok() && !(*image)->of_build_cache;
            const bool old = !request.unused_since || entry.used.ns < request.unused_since->ns;
            if (gone || ids.contains(entry.image) || (classic && everything && old)) keys.push_back(entry.key);
            if (classic && everything && old) pruned.deleted.push_back(entry.key);
        }
        TRY(cache_.forget(keys));
        chains = TRY(ports_.images.forget_build_cache({ids.begin(), ids.end()}));
    }
    for (const Digest& id : ids) pruned.deleted.push_back(id.hex());
    pruned.bytes += TRY(ports_.images.remove_unused_layers(chains));
    if (everything) known_folders_.forget_all();
    for (const CacheRecord& record : chosen) {
        if (record.type != cache_mount_type) continue;
        const std::string path = ports_.folder + "/cache/" + record.id;
        const std::string gone = path + std::string(removed_mark) + random_hex(6);
        {
            std::lock_guard lock(pins_mutex_);
            if (mounts_in_use_.contains(record.id)) continue;
            if (!sys::rename(path, gone).ok()) continue; // another was faster
        }
        TRY(sys::remove_tree(gone));
        pruned.bytes += record.size;
        pruned.deleted.push_back(record.id);
    }
    return pruned;
}

std::shared_ptr<void> Builder::use_mount(const std::string& name) {
    std::lock_guard lock(pins_mutex_);
    mounts_in_use_.insert(name);
    return std::shared_ptr<void>(this, [this, name](void*) {
        std::lock_guard held(pins_mutex_);
        mounts_in_use_.erase(mounts_in_use_.find(name));
    });
}

Result<image::ImagePtr> Builder::find_cached(const CacheKey& key) {
    std::shared_lock shared(cache_mutex_);
    auto found = TRY(cache_.find(key));
    if (!found) return image::ImagePtr();
    auto image = ports_.images.images().resolve(found->image.str());
    if (!image.ok() || (*image)->id != found->image) return image::ImagePtr(); // it went meanwhile
    pin(found->image);
    cache_.used(*found);
    return *image;
}
Result<std::shared_ptr<void>> Builder::claim(const CacheKey& key, const std::stop_token& stop) {
    std::unique_lock lock(pins_mutex_);
    if (!claims_changed_.wait(lock, stop, [&] { return !claims_.contains(key); }))
        return Error(ErrorKind::cancelled, "the build was cancelled");
    return take_claim(key);
}

std::shared_ptr<void> Builder::try_claim(const CacheKey& key) {
    std::lock_guard lock(pins_mutex_);
    return claims_.contains(key) ? nullptr : take_claim(key);
}

// pins_mutex_ is held.
std::shared_ptr<void> Builder::take_claim(const CacheKey& key) {
    claims_.insert(key);
    return std::shared_ptr<void>(this, [this, key](void*) {
        std::lock_guard held(pins_mutex_);
        claims_.erase(key);
        claims_changed_.notify_all();
    });
}

void Builder::pin(const Digest& id) {
    std::lock_guard lock(pins_mutex_);
    pins_.insert(id);
}

void Builder::unpin(const std::vector<Digest>& ids) {
    std::lock_guard lock(pins_mutex_);
    for (const Digest& id : ids)
        if (auto it = pins_.find(id); it != pins_.end()) pins_.erase(it);
}

} // namespace hull::build
