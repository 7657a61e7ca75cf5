// Which image a step gave: key -> image id, on record. A key is the hash of all
// that a step depends on: the image that it stands on, the instruction with its
// variables replaced, the contents of the files that it takes.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/image.h"
#include "store/records.h"

namespace hull::build {

using CacheKey = std::string; // 64 hex digits

// Order counts, and where one part ends and the next begins.
CacheKey make_key(const CacheKey& before, std::initializer_list<std::string_view> parts);

class Cache {
public:
    explicit Cache(store::Records& records) : records_(records) {}
    // The image may be gone meanwhile: the caller looks.
    Result<std::optional<model::Digest>> find(const CacheKey& key) const;
    Result<void> add(const CacheKey& key, const model::Digest& image);
    // Forgets all but the steps whose image is kept; gives their keys.
    Result<std::vector<std::string>> clear(const std::function<bool(const model::Digest&)>& kept);

private:
    store::Records& records_;
};

} // namespace hull::build
