#include "build/cache.h"

#include "codec/compress/sha256.h"

namespace hull::build {

CacheKey make_key(const CacheKey& before, std::initializer_list<std::string_view> parts) {
    Sha256 hash;
    auto add = [&](std::string_view text) {
        hash.update(std::to_string(text.size()) + ":");
        hash.update(text);
    };
    add(before);
    for (std::string_view part : parts) add(part);
    return hash.hex_digest();
}

Result<std::optional<model::Digest>> Cache::find(const CacheKey& key) const {
    auto text = TRY(records_.get(store::Table::build_cache, key));
    if (!text) return std::optional<model::Digest>();
    return std::optional(TRY(model::Digest::parse(*text)));
}

Result<void> Cache::add(const CacheKey& key, const model::Digest& image) {
    return records_.put(store::Table::build_cache, key, image.str());
}

Result<std::vector<std::string>> Cache::clear(const std::function<bool(const model::Digest&)>& kept) {
    auto all = TRY(records_.all(store::Table::build_cache));
    std::vector<std::string> keys;
    for (const auto& record : all) {
        auto image = model::Digest::parse(record.text);
        if (image.ok() && kept(*image)) continue;
        TRY(records_.erase(store::Table::build_cache, record.key));
        keys.push_back(record.key);
    }
    return keys;
}

} // namespace hull::build
