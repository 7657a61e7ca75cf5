// --squash: all that a build did to its base as one layer.
#include <algorithm>

#include "build/build_state.h"
#include "store/produced_source.h"
#include "store/tree_difference.h"

namespace hull::build {

// As Docker: the history stays, its layers are the last entry's.
Result<Digest> Build::squash(const StageState& state, const Digest& whole) {
    engine::ImageService& images = builder_.ports().images;
    auto image = TRY(images.images().resolve(whole.str()));
    model::ImageConfig config = image->config;
    const size_t all = config.diff_ids.size(), base = std::min(state.base_layers, all);
    if (all - base < 2) return whole; // it is one layer already
    image::Lease lease = TRY(images.images().rootfs(whole));
    std::vector<std::string> changed = lease.lower(), below;
    if (changed.size() > all - base) {
        below.assign(changed.begin() + static_cast<std::ptrdiff_t>(all - base), changed.end());
        changed.resize(all - base);
    }

    auto kept = builder_.keep_cache();
    std::optional<Digest> under;
    if (base > 0) {
        model::ImageConfig plain = cache_config(state);
        under = TRY(images.commit_on_layers(std::move(plain), whole, base, std::nullopt, image::Making::build_cache));
        builder_.pin(*under);
        keep(*under);
    }
    size_t layer_number = 0;
    for (model::HistoryEntry& entry : config.history)
        if (!entry.empty_layer && ++layer_number > base) entry.empty_layer = true;
    config.created = now();
    const std::string from = under ? under->str() : "scratch";
    config.history.push_back({config.created, "", "", "merge " + whole.str() + " to " + from, false});
    store::ProducedSource layer([&](ByteSink& sink) { return store::write_difference(changed, below, sink); });
    return images.commit(std::move(config), under, &layer, std::nullopt, image::Making::standalone);
}

} // namespace hull::build
