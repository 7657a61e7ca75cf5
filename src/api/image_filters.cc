#include "api/image_filters.h"

#include <array>

#include "api/parameters.h"

namespace hull::api {

namespace {

using engine::Filters;
using Names = std::span<const std::string_view>;

constexpr std::string_view image_list_names[] = {"dangling", "label",     "label!", "before",
                                                 "since",    "reference", "until"};
constexpr std::string_view prune_names[] = {"dangling", "label", "label!", "until"};

std::vector<image::LabelFilter> label_filters(const Filters& filters) {
    std::vector<image::LabelFilter> out;
    for (bool negated : {false, true}) {
        for (const std::string& text : filters.get(negated ? "label!" : "label")) {
            size_t equals = text.find('=');
            image::LabelFilter filter{.key = text.substr(0, equals), .value = {}, .negated = negated};
            if (equals != text.npos) filter.value = text.substr(equals + 1);
            out.push_back(std::move(filter));
        }
    }
    return out;
}

Result<std::optional<std::string>> single(const Filters& filters, std::string_view name) {
    auto values = filters.get(name);
    if (values.empty()) return std::optional<std::string>();
    return std::optional<std::string>(values.back());
}

} // namespace

Result<std::optional<WallTime>> until_filter(const Filters& filters) {
    auto values = filters.get("until");
    if (values.empty()) return std::optional<WallTime>();
    if (values.size() > 1) return Error(ErrorKind::invalid_argument, "more than one until filter specified");
    return std::optional<WallTime>(TRY(parse_moment(values.front(), wall_now())));
}

Result<image::ListOptions> image_list_options(const Filters& filters, bool all) {
    TRY(filters.check_names(image_list_names));
    image::ListOptions options;
    options.all = all;
    for (const std::string& reference : filters.get("reference")) options.references.push_back(reference);
    options.labels = label_filters(filters);
    if (filters.has("dangling")) options.dangling = TRY(filters.boolean("dangling", false));
    options.before = TRY(single(filters, "before"));
    options.since = TRY(single(filters, "since"));
    options.until = TRY(until_filter(filters));
    return options;
}

Result<image::PruneOptions> image_prune_options(const Filters& filters) {
    TRY(filters.check_names(prune_names));
    image::PruneOptions options;
    options.dangling_only = TRY(filters.boolean("dangling", true));
    options.labels = label_filters(filters);
    options.until = TRY(until_filter(filters));
    return options;
}

} // namespace hull::api
