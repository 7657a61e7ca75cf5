// The build cache is collected after builds, in a thread of its own: who builds
// doesn't wait for it.
#include "base/log.h"
#include "build/builder.h"

namespace hull::build {

void Builder::begin_collecting() {
    if (ports_.gc.empty()) return;
    collector_ = std::jthread([this](const std::stop_token& stop) {
        std::unique_lock lock(collector_mutex_);
        while (collect_wanted_.wait(lock, stop, [&] { return collect_; })) {
            collect_ = false;
            lock.unlock();
            auto done = collect();
            if (!done.ok()) log::warning("collect the build cache", done.error());
            lock.lock();
        }
    });
}

void Builder::want_collecting() {
    std::lock_guard lock(collector_mutex_);
    collect_ = true;
    collect_wanted_.notify_all();
}

Result<void> Builder::collect() {
    for (const GcRule& rule : ports_.gc) {
        CachePrune prune;
        prune.all = rule.all;
        prune.reserved_bytes = rule.reserved_bytes;
        prune.max_used_bytes = rule.max_used_bytes;
        prune.min_free_bytes = rule.min_free_bytes;
        // Always with a filter: nothing but steps and mounts goes by itself.
        prune.fits = rule.filters.empty() ? [](const CacheRecord&) { return true; } : TRY(record_filter(rule.filters));
        if (rule.unused_for_ns > 0) prune.unused_since = WallTime{wall_now().ns - rule.unused_for_ns};
        Pruned pruned = TRY(prune_cache(prune));
        if (!pruned.deleted.empty())
            log::info("the build cache had " + std::to_string(pruned.deleted.size()) +
                      " records too many: " + std::to_string(pruned.bytes) + " bytes are free again");
    }
    return {};
}

} // namespace hull::build
