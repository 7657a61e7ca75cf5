// Steps that other images have: their layers are taken as if this engine had made
// them. Images of Style::steps say which step gave which layer in their
// configuration (BuildKit's "inline cache"); for classic ones their history does.
#include <algorithm>
#include <span>

#include "base/log.h"
#include "base/random.h"
#include "build/build_state.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace hull::build {

namespace {

constexpr size_t most_records = 10'000;
constexpr size_t most_others = 100;

// {"layers":[{"blob":...,"parent":n}],"records":[{"digest":...,"layers":[{"layer":n}]}],"others":[name]}
struct CacheRecords {
    std::vector<std::pair<CacheKey, size_t>> steps; // and how many layers there were then
    std::vector<std::string> others;                // images with more of the same cache
};

Result<CacheRecords> parse_records(const std::string& text) {
    CacheRecords out;
    auto plain = base64_decode(text);
    if (!plain) return invalid("not base64");
    auto document = TRY(json::parse(*plain));
    const json::Object* object = document.if_object();
    const json::Value* records = object ? object->if_contains("records") : nullptr;
    const json::Value* others = object ? object->if_contains("others") : nullptr;
    if (others && others->is_array())
        for (const json::Value& other : others->get_array())
            if (other.is_string() && out.others.size() < most_others)
                out.others.emplace_back(std::string(other.get_string()));
    if (!records || !records->is_array()) return out;
    if (records->get_array().size() > most_records) return invalid("too many records");
    for (const json::Value& record : records->get_array()) {
        const json::Object* entry = record.if_object();
        const json::Value* digest = entry ? entry->if_contains("digest") : nullptr;
        const json::Value* layers = entry ? entry->if_contains("layers") : nullptr;
        if (!digest || !digest->is_string() || !layers || !layers->is_array() || layers->get_array().empty()) continue;
        const json::Object* first = layers->get_array().front().if_object();
        const json::Value* layer = first ? first->if_contains("layer") : nullptr;
        if (!layer || !layer->is_int64() || layer->get_int64() < 0) continue;
        std::string_view key(digest->get_string());
        if (!key.starts_with("sha256:")) continue;
        out.steps.emplace_back(key.substr(7), static_cast<size_t>(layer->get_int64()) + 1);
    }
    return out;
}

bool begins_with(const std::vector<Digest>& list, const std::vector<Digest>& start) {
    return list.size() >= start.size() && std::equal(start.begin(), start.end(), list.begin());
}

} // namespace

// follows: what else it names is fetched, too.
Result<void> Build::import_cache(const std::string& name, bool follows) {
    auto image = TRY(base_image(name, options_.platform));
    caches_.push_back(image);
    if (classic() || image->config.inline_cache.empty()) return {};
    auto records = TRY(parse_records(image->config.inline_cache).context("inline cache of " + name));
    for (auto& [key, layers] : records.steps)
        if (layers <= image->config.diff_ids.size()) imported_.try_emplace(key, image, layers);
    if (!follows) return {};
    auto reference = model::Reference::parse(name);
    for (const std::string& other : records.others) {
        // Only tags beside its own: a document from outside names no other place.
        auto parsed = model::Reference::parse(other);
        if (!reference.ok() || !parsed.ok() || parsed->domain != reference->domain || parsed->path != reference->path)
            return invalid("the cache " + name + " names one that isn't beside it: " + other);
        TRY(import_cache(other, false));
    }
    return {};
}

// An image that can't be had is no reason not to build.
Result<void> Build::import_caches() {
    for (const std::string& name : options_.cache_from) {
        if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "the build was cancelled");
        if (classic()) {
            auto fetched = import_cache(name, true);
            if (!fetched.ok()) log::warning("use " + name + " as a build cache", fetched.error());
            continue;
        }
        wire::Vertex vertex{.digest = vertex_digest({"import", name, random_hex(8)}),
                            .name = "importing cache manifest from " + name};
        auto fetched = watched(vertex, [&](wire::Vertex&) { return import_cache(name, true); });
        if (!fetched.ok() && fetched.error().kind() == ErrorKind::cancelled) return fetched;
    }
    return {};
}

Result<image::ImagePtr> Build::take_imported(const StageState& state, const CacheKey& key) {
    auto found = imported_.find(key);
    if (found == imported_.end()) return image::ImagePtr();
    const auto& [image, layers] = found->second;
    // What it stands on is in the key; this is against a document that lies.
    if (state.image) {
        auto base = TRY(builder_.ports().images.images().resolve(state.image->str()));
        if (!begins_with(image->config.diff_ids, base->config.diff_ids)) return image::ImagePtr();
    }
    auto kept = builder_.keep_cache();
    model::ImageConfig config = cache_config(state);
    config.created = image->config.created;
    Digest id = TRY(builder_.ports().images.commit_on_layers(std::move(config), image->id, layers, std::nullopt,
                                                             image::Making::build_cache));
    TRY(builder_.cache().add(key, id, state.description));
    builder_.pin(id);
    return builder_.ports().images.images().resolve(id.str());
}

// As Docker's classic builder: with --cache-from only what the images named there stand on.
bool Build::may_take(image::ImagePtr image) const {
    if (options_.cache_from.empty()) return true;
    const image::Images& images = builder_.ports().images.images();
    for (const image::ImagePtr& cache : caches_) {
        for (image::ImagePtr at = cache; at;) {
            if (at->id == image->id) return true;
            auto parent = at->parent ? images.resolve(at->parent->str()) : Result<image::ImagePtr>(image::ImagePtr());
            at = parent.ok() ? *parent : image::ImagePtr();
        }
    }
    return false;
}

// As Docker's classic builder: the same layers and history so far, and then the same step.
Result<bool> Build::take_from_history(StageState& state, const CacheKey& key) {
    const auto& history = state.config.history;
    for (const image::ImagePtr& image : caches_) {
        const auto& theirs = image->config.history;
        std::vector<Digest> base;
        if (state.image) base = TRY(builder_.ports().images.images().resolve(state.image->str()))->config.diff_ids;
        if (theirs.size() <= history.size() || !begins_with(image->config.diff_ids, base)) continue;
        bool same =
            std::ranges::equal(history, std::span(theirs).first(history.size()), [](const auto& a, const auto& b) {
                return a.created_by == b.created_by && a.empty_layer == b.empty_layer && a.created == b.created;
            });
        const model::HistoryEntry& next = theirs[history.size()];
        if (!same || next.created_by != state.created_by) continue;
        size_t layers = base.size() + (next.empty_layer ? 0 : 1);
        if (layers > image->config.diff_ids.size()) continue;
        auto kept = builder_.keep_cache();
        model::ImageConfig config = state.config;
        config.created = next.created;
        config.history.push_back(next);
        Digest id = TRY(builder_.ports().images.commit_on_layers(std::move(config), image->id, layers, state.image,
                                                                 image::Making::child));
        auto made = TRY(builder_.ports().images.images().resolve(id.str()));
        TRY(builder_.cache().add(key, id, state.created_by));
        builder_.pin(id);
        keep(id);
        state.claim.reset();
        state.image = id;
        state.config = made->config;
        state.key = id.str();
        state.cached = true;
        TRY(say(" ---> Using cache\n"));
        TRY(say_image(state));
        return true;
    }
    return false;
}

void Build::note_step(StageState& state, const CacheKey& key) {
    auto image = builder_.ports().images.images().resolve(state.image->str());
    if (image.ok()) state.made.emplace_back(key, (*image)->config.diff_ids.size());
}

std::string Build::inline_cache(const StageState& state, const std::vector<std::string>& others) const {
    auto image = builder_.ports().images.images().resolve(state.image ? state.image->str() : "");
    if (!image.ok()) return {};
    json::Array layers, records;
    int64_t parent = -1;
    for (const Digest& id : (*image)->config.diff_ids) {
        layers.push_back(json::Object{{"blob", id.str()}, {"parent", parent}});
        ++parent;
    }
    for (const auto& [key, count] : state.made) {
        if (count == 0) continue;
        json::Object layer{{"layer", count - 1}};
        records.push_back(json::Object{{"digest", "sha256:" + key}, {"layers", json::Array{layer}}});
    }
    json::Object document{{"layers", layers}, {"records", records}};
    if (!others.empty()) document["others"] = json::encode(others);
    return base64_encode(json::print(document));
}

} // namespace hull::build
