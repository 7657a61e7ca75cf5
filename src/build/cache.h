// Which image a step gave: key -> image id, on record. A key is the hash of all
// that a step depends on: the image that it stands on, the instruction with its
// variables replaced, the contents of the files that it takes. Thread-safe.
#pragma once

#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/image.h"
#include "store/records.h"

namespace hull::build {

using CacheKey = std::string; // 64 hex digits

// Order counts, and where one part ends and the next begins.
CacheKey make_key(const CacheKey& before, std::initializer_list<std::string_view> parts);

struct CacheEntry {
    CacheKey key;
    model::Digest image;
    std::string description; // what the step did; may be empty
    WallTime used;           // the last time; on record it may be some minutes older. 0: not known
    int64_t uses = 0;        // by other builds than the one that made it
};

class Cache {
public:
    explicit Cache(store::Records& records) : records_(records) {}
    // The image may be gone meanwhile: the caller looks.
    Result<std::optional<CacheEntry>> find(const CacheKey& key) const;
    // description: cut off when it is long.
    Result<void> add(const CacheKey& key, const model::Digest& image, std::string_view description = {});
    // A build uses what find() gave.
    void used(const CacheEntry& entry);
    Result<std::vector<CacheEntry>> all() const;
    Result<void> forget(const std::vector<CacheKey>& keys);

private:
    struct Use {
        WallTime last;
        int64_t count = 0; // since the start
    };
    store::Records& records_;
    mutable std::mutex mutex_;
    std::map<CacheKey, Use> uses_;
};

} // namespace hull::build
