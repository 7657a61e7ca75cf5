// The cache of a build for other builds and machines: an image for each stage that
// has something to keep, with its layers and the keys of its steps (the records of
// an "inline cache", cache_from.cc). In a registry they are tags beside each other.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/random.h"
#include "build/build_state.h"

namespace hull::build {

// The target's first. A stage whose steps others have (they are based on it) is left out.
std::vector<const StageState*> Build::stages_worth_keeping(bool all) const {
    std::vector<const StageState*> out;
    std::set<CacheKey> kept;
    auto add = [&](const StageState& state) {
        bool fresh = false;
        for (const auto& [key, layers] : state.made) fresh |= layers > 0 && kept.insert(key).second;
        if (fresh && state.image) out.push_back(&state);
    };
    add(states_[plan_.target]);
    for (size_t i = states_.size(); all && i-- > 0;)
        if (plan_.stages[i].needed && i != plan_.target) add(states_[i]);
    return out;
}

Result<void> Build::export_cache(const BuildOptions::CacheExport& wanted, const std::string& vertex) {
    engine::ImageService& images = builder_.ports().images;
    const auto stages = stages_worth_keeping(wanted.max);
    std::vector<std::string> names;
    if (wanted.type == "registry") {
        model::Reference reference = TRY(model::Reference::parse(wanted.ref));
        if (reference.digest) return invalid("a cache can't be pushed to a digest: " + wanted.ref);
        if (reference.tag.empty()) reference.tag = "latest";
        for (size_t i = 0; i < stages.size(); ++i)
            names.push_back(reference.familiar_name() + ":" + reference.tag + (i ? "-" + std::to_string(i) : ""));
    }
    std::vector<Digest> ids;
    for (size_t i = 0; i < stages.size(); ++i) {
        const StageState& state = *stages[i];
        auto kept = builder_.keep_cache();
        // No time is in it: the same cache is the same image.
        model::ImageConfig config;
        config.os = state.config.os;
        config.architecture = state.config.architecture;
        config.variant = state.config.variant;
        config.inline_cache =
            inline_cache(state, i == 0 && names.size() > 1 ? std::vector<std::string>(names.begin() + 1, names.end())
                                                           : std::vector<std::string>());
        Digest id =
            TRY(images.commit(std::move(config), state.image, nullptr, std::nullopt, image::Making::build_cache));
        builder_.pin(id);
        keep(id);
        ids.push_back(std::move(id));
    }
    if (wanted.type == "local") return output_.caches(ids);
    // The first names the others: it goes last.
    for (size_t i = ids.size(); i-- > 0;) TRY(push(names[i], vertex, ids[i]));
    return {};
}

Result<void> Build::export_caches() {
    for (const BuildOptions::CacheExport& wanted : options_.cache_to) {
        const std::string where = wanted.type == "local" ? "client directory" : wanted.type;
        wire::Vertex vertex{.digest = vertex_digest({"cache to", random_hex(16)}),
                            .name = "exporting cache to " + where};
        auto done = watched(vertex, [&](wire::Vertex& now) { return export_cache(wanted, now.digest); });
        if (done.ok()) continue;
        if (!wanted.ignore_errors || done.error().kind() == ErrorKind::cancelled) return done;
        log::warning("export a build cache", done.error());
    }
    return {};
}

} // namespace hull::build
