// What builds keep for the next, and getting rid of it.
#include <fcntl.h>

#include "build/build_state.h"
#include "sys/file.h"

namespace hull::build {

Result<Pruned> Builder::prune_cache(const std::optional<WallTime>& until) {
    Pruned pruned;
    auto newer = [&](const Digest& id) {
        if (!until) return false;
        auto image = ports_.images.images().resolve(id.str());
        return image.ok() && (*image)->config.created.ns >= until->ns;
    };
    {
        std::unique_lock alone(cache_mutex_);
        pruned.deleted = TRY(cache_.clear(newer));
        auto removed = TRY(ports_.images.remove_build_cache([&](const Digest& id) {
            if (newer(id)) return true;
            std::lock_guard lock(pins_mutex_);
            return pins_.contains(id);
        }));
        pruned.bytes += removed.space_reclaimed;
    }
    known_folders_.forget_all();
    const std::string folder = ports_.folder + "/cache";
    auto names = sys::list_dir(folder);
    if (!names.ok()) return pruned; // no cache mount yet
    for (const std::string& name : *names) {
        const struct stat made = TRY(sys::lstat(folder + "/" + name));
        if (until && made.st_mtim.tv_sec * 1'000'000'000 + made.st_mtim.tv_nsec >= until->ns) continue;
        FolderTree tree(TRY(sys::open(folder + "/" + name, O_PATH | O_DIRECTORY)));
        TRY(walk(tree, "", [&](const std::string&, const Node& node) -> Result<bool> {
            pruned.bytes += node.size;
            return true;
        }));
        TRY(sys::remove_tree(folder + "/" + name));
        pruned.deleted.push_back(name);
    }
    return pruned;
}

Result<image::ImagePtr> Builder::find_cached(const CacheKey& key) {
    std::shared_lock shared(cache_mutex_);
    auto found = TRY(cache_.find(key));
    if (!found) return image::ImagePtr();
    auto image = ports_.images.images().resolve(found->str());
    if (!image.ok() || (*image)->id != *found) return image::ImagePtr(); // it went meanwhile
    pin(*found);
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
