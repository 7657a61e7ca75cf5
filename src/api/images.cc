// Images: what answers with one JSON value.
#include "api/handlers.h"
#include "api/image_filters.h"
#include "api/image_json.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// Containers by the image they were made from.
Result<std::map<std::string, int64_t>> containers_by_image(const Call& call) {
    engine::ListOptions options;
    options.all = true;
    auto containers = TRY(call.containers().list(options));
    std::map<std::string, int64_t> counts;
    for (const auto& container : containers) ++counts[container.image_id];
    return counts;
}

} // namespace

Result<void> list_images(Call& call) {
    auto filters = TRY(call.filters());
    if (!call.at_least(41) && !call.text("filter").empty()) filters.add("reference", call.text("filter"));
    auto options = TRY(image_list_options(filters, call.flag("all")));
    auto summaries = TRY(call.images().images().list(options));
    std::map<std::string, int64_t> users;
    if (call.at_least(51)) users = TRY(containers_by_image(call));
    bool shared = call.at_least(42) && call.flag("shared-size");
    json::Array array;
    for (const auto& summary : summaries) {
        ImageCounts counts;
        if (call.at_least(51)) counts.containers = users[summary.image->id.str()];
        if (shared) counts.shared_size = static_cast<int64_t>(summary.shared_size);
        array.push_back(image_summary_json(summary, counts, call.version()));
    }
    return call.reply(200, array);
}

Result<void> inspect_image(Call& call) {
    auto summary = TRY(call.images().images().inspect(call.name()));
    return call.reply(200, image_inspect_json(summary, call.version()));
}

Result<void> image_history(Call& call) {
    auto items = TRY(call.images().images().history(call.name()));
    json::Array array;
    for (const auto& item : items)
        array.push_back(json::Object{
            {"Comment", item.comment},
            {"Created", item.created.ns / 1'000'000'000},
            {"CreatedBy", item.created_by},
            {"Id", item.id},
            {"Size", item.size},
            {"Tags", item.tags.empty() ? json::Value(nullptr) : json::encode(item.tags)},
        });
    return call.reply(200, array);
}

Result<void> tag_image(Call& call) {
    TRY(call.images().tag(call.name(), call.text("repo"), call.text("tag")));
    return call.reply_empty(201);
}

Result<void> remove_image(Call& call) {
    auto removed =
        TRY(call.images().remove(call.name(), {.force = call.flag("force"), .prune_parents = !call.flag("noprune")}));
    return call.reply(200, removed_json(removed));
}

Result<void> prune_images(Call& call) {
    auto options = TRY(image_prune_options(TRY(call.filters())));
    auto pruned = TRY(call.images().prune(options));
    return call.reply(
        200, json::Object{
                 {"ImagesDeleted", pruned.removed.empty() ? json::Value(nullptr) : removed_json(pruned.removed)},
                 {"SpaceReclaimed", pruned.space_reclaimed},
             });
}

} // namespace hull::api
