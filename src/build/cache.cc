#include "build/cache.h"

#include "base/log.h"
#include "codec/compress/sha256.h"
#include "codec/json.h"

namespace hull::build {

namespace {

constexpr int64_t use_interval_ns = 600'000'000'000; // a use is on record after so long
constexpr size_t most_description_bytes = 500;

std::string print_entry(const CacheEntry& entry) {
    json::Object more{{"used", entry.used.ns}, {"uses", entry.uses}, {"description", entry.description}};
    return entry.image.str() + "\n" + json::print(more);
}

// "<image id>", and since uses are counted a line of JSON.
Result<CacheEntry> parse_entry(const CacheKey& key, const std::string& text) {
    const size_t newline = text.find('\n');
    CacheEntry entry{
        .key = key, .image = TRY(model::Digest::parse(text.substr(0, newline))), .description = {}, .used = {}};
    if (newline == text.npos) return entry;
    auto more = TRY(json::parse(std::string_view(text).substr(newline + 1)));
    const json::Object* object = more.if_object();
    if (!object) return entry;
    auto number = [&](const char* name) {
        const json::Value* value = object->if_contains(name);
        return value && value->is_int64() ? value->get_int64() : 0;
    };
    entry.used = WallTime{number("used")};
    entry.uses = number("uses");
    if (const json::Value* value = object->if_contains("description"); value && value->is_string())
        entry.description = std::string(value->get_string());
    return entry;
}

} // namespace

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

Result<std::optional<CacheEntry>> Cache::find(const CacheKey& key) const {
    auto text = TRY(records_.get(store::Table::build_cache, key));
    if (!text) return std::optional<CacheEntry>();
    return std::optional(TRY(parse_entry(key, *text)));
}

Result<void> Cache::add(const CacheKey& key, const model::Digest& image, std::string_view description) {
    CacheEntry entry{.key = key, .image = image, .description = {}, .used = wall_now()};
    entry.description = description.substr(0, most_description_bytes);
    while (!entry.description.empty() && description.size() > most_description_bytes &&
           (static_cast<unsigned char>(entry.description.back()) & 0x80))
        entry.description.pop_back(); // no half character
    return records_.put(store::Table::build_cache, key, print_entry(entry));
}

// On record only now and then: a build that is cached is not to wait for the disk.
void Cache::used(const CacheEntry& entry) {
    CacheEntry now = entry;
    now.used = wall_now();
    {
        std::lock_guard lock(mutex_);
        Use& use = uses_[entry.key];
        use.last = now.used;
        ++use.count;
        if (now.used.ns - entry.used.ns < use_interval_ns) return;
        now.uses += std::exchange(use.count, 0);
    }
    auto put = records_.put(store::Table::build_cache, now.key, print_entry(now));
    if (!put.ok()) log::warning("keep when a build's step was used", put.error());
}

Result<std::vector<CacheEntry>> Cache::all() const {
    std::vector<CacheEntry> out;
    for (const auto& record : TRY(records_.all(store::Table::build_cache))) {
        auto entry = parse_entry(record.key, record.text);
        if (!entry.ok()) continue;
        std::lock_guard lock(mutex_);
        if (auto use = uses_.find(record.key); use != uses_.end()) {
            entry->used = std::max(entry->used, use->second.last);
            entry->uses += use->second.count;
        }
        out.push_back(std::move(*entry));
    }
    return out;
}

Result<void> Cache::forget(const std::vector<CacheKey>& keys) {
    std::vector<store::Change> changes;
    for (const CacheKey& key : keys) changes.push_back({store::Table::build_cache, key, std::nullopt});
    if (!changes.empty()) TRY(records_.commit(changes, store::Durability::process_crash));
    std::lock_guard lock(mutex_);
    for (const CacheKey& key : keys) uses_.erase(key);
    return {};
}

} // namespace hull::build
