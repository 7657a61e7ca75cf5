// Listing and its filters.
#include <algorithm>

#include <fnmatch.h>

#include "image/state.h"

namespace hull::image {

bool matches(const LabelFilter& filter, const model::Labels& labels) {
    auto it = labels.find(filter.key);
    const bool has = it != labels.end() && (!filter.value || it->second == *filter.value);
    return has != filter.negated;
}

bool matches_all(const std::vector<LabelFilter>& filters, const model::Labels& labels) {
    return std::all_of(filters.begin(), filters.end(), [&](const LabelFilter& f) { return matches(f, labels); });
}

namespace {

bool glob(const std::string& pattern, const std::string& text) {
    return fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
}

// A pattern fits a reference by its whole familiar form or by its name alone.
bool matches_pattern(const std::vector<std::string>& patterns, const model::Reference& reference) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return glob(pattern, reference.familiar()) || glob(pattern, reference.familiar_name());
    });
}

std::set<std::string> fitting(const std::vector<std::string>& patterns, const std::set<std::string>& references) {
    std::set<std::string> kept;
    for (const std::string& full : references)
        if (matches_pattern(patterns, reference_of(full))) kept.insert(full);
    return kept;
}

bool has_tag(const Known& known) {
    return std::any_of(known.references.begin(), known.references.end(),
                       [](const std::string& full) { return !reference_of(full).digest; });
}

struct Times {
    std::optional<WallTime> before, since;
};

bool passes(const Known& known, const ListOptions& options, const Times& times, bool has_children) {
    const Image& image = *known.image;
    if (image.of_build_cache) return false;
    // A name shows once, with the image that it means first.
    if (known.references.empty() && !known.others.empty() && !options.platforms) return false;
    const bool nameless = !known.named();
    if (nameless && has_children && !options.all) return false;
    // As Docker: what only a digest names is dangling, and is no dangling one either.
    if (options.dangling && *options.dangling && (has_tag(known) || has_children)) return false;
    if (options.dangling && !*options.dangling && nameless) return false;
    if (times.before && image.config.created >= *times.before) return false;
    if (times.since && image.config.created <= *times.since) return false;
    if (options.until && image.config.created >= *options.until) return false;
    return matches_all(options.labels, image.config.config.labels);
}

} // namespace

std::vector<Summary> Images::summaries() const {
    ListOptions everything;
    everything.all = true;
    everything.platforms = true;
    auto all = list(everything);
    return all.ok() ? std::move(all).value() : std::vector<Summary>();
}

Result<std::vector<Summary>> Images::list(const ListOptions& options) const {
    Times times;
    if (options.before) {
        ImagePtr image = TRY(resolve(*options.before));
        times.before = image->config.created;
    }
    if (options.since) {
        ImagePtr image = TRY(resolve(*options.since));
        times.since = image->config.created;
    }

    std::vector<Known> wanted;
    std::map<Digest, int> layer_users;
    {
        std::lock_guard held(state_->mutex);
        for (const auto& [id, known] : state_->images) {
            if (!passes(known, options, times, state_->has_children(id))) continue;
            Known shown = known;
            if (!options.references.empty()) {
                shown.references = fitting(options.references, known.references);
                if (shown.references.empty()) continue;
            }
            wanted.push_back(std::move(shown));
        }
        layer_users = state_->count_layer_users();
    }
    std::vector<Summary> summaries;
    for (const Known& known : wanted) {
        auto summary = state_->summarise(known, layer_users);
        // Removed meanwhile: it isn't there any more.
        if (!summary.ok() && summary.error().kind() == ErrorKind::not_found) continue;
        if (!summary.ok()) return std::move(summary).error();
        summaries.push_back(std::move(summary).value());
    }
    std::stable_sort(summaries.begin(), summaries.end(), [](const Summary& a, const Summary& b) {
        return a.image->config.created > b.image->config.created;
    });
    return summaries;
}

} // namespace hull::image
