// Images: what answers with one JSON value.
#include "api/handlers.h"
#include "api/image_filters.h"
#include "api/image_json.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// Containers by the image they were made from.
using Users = std::map<std::string, std::vector<std::string>>;
Result<Users> containers_by_image(const Call& call) {
    engine::ListOptions options;
    options.all = true;
    auto containers = TRY(call.containers().list(options));
    Users users;
    for (const auto& container : containers) users[container.image_id].push_back(container.id.str());
    return users;
}

// Clients older than this neither send nor expect manifests.
constexpr int manifests_since = 47;

Result<void> add_manifests(json::Object& object, const image::Summary& summary, Users& users, const Call& call) {
    auto list = TRY(call.images().images().manifests(summary.image->id));
    json::Array array;
    for (const image::PlatformManifest& one : list.manifests)
        array.push_back(manifest_json(one, one.image ? users[one.image->id.str()] : std::vector<std::string>()));
    object["Manifests"] = std::move(array);
    if (call.at_least(48)) object["Descriptor"] = descriptor_json(list.target, WithPlatform::no);
    return {};
}

// The image of the path, of the platform that is asked for. one_at_most: more
// are an error even where the parameter may come more than once.
Result<image::ImagePtr> asked(Call& call) {
    auto platforms = TRY(call.platforms());
    if (platforms.size() > 1) return Error(ErrorKind::invalid_argument, "multiple platform parameters not supported");
    if (!platforms.empty()) return call.images().images().resolve(call.name(), platforms.front());
    return call.images().images().resolve(call.name());
}

} // namespace

Result<void> list_images(Call& call) {
    auto filters = TRY(call.filters());
    if (!call.at_least(41) && !call.text("filter").empty()) filters.add("reference", call.text("filter"));
    auto options = TRY(image_list_options(filters, call.flag("all")));
    auto summaries = TRY(call.images().images().list(options));
    const bool manifests = call.at_least(manifests_since) && call.flag("manifests");
    Users users;
    if (call.at_least(51) || manifests) users = TRY(containers_by_image(call));
    bool shared = call.at_least(42) && call.flag("shared-size");
    json::Array array;
    for (const auto& summary : summaries) {
        ImageCounts counts;
        if (call.at_least(51)) {
            counts.containers = 0;
            for (const image::Digest& id : summary.group)
                counts.containers += static_cast<int64_t>(users[id.str()].size());
        }
        if (shared) counts.shared_size = static_cast<int64_t>(summary.shared_size);
        json::Value one = image_summary_json(summary, counts, call.version());
        if (manifests) TRY(add_manifests(one.as_object(), summary, users, call));
        array.push_back(std::move(one));
    }
    return call.reply(200, array);
}

Result<void> inspect_image(Call& call) {
    const bool manifests = call.at_least(48) && call.flag("manifests");
    if (manifests && !call.text("platform").empty())
        return Error(ErrorKind::invalid_argument,
                     "conflicting options: manifests and platform options cannot both be set");
    auto image = TRY(asked(call));
    // By the name: the id alone doesn't say which of its references was meant.
    auto summary = TRY(call.images().images().inspect(call.name()));
    if (summary.image->id != image->id) summary = TRY(call.images().images().inspect(image->id.str()));
    const auto lease = call.images().images().rootfs(summary.image->id);
    const auto layers = summary.image->chain_id && lease.ok() ? lease->lower() : std::vector<std::string>();
    json::Value object = image_inspect_json(summary, layers, call.version());
    if (manifests) {
        auto users = TRY(containers_by_image(call));
        TRY(add_manifests(object.as_object(), summary, users, call));
    }
    return call.reply(200, object);
}

// Nothing that Hull makes or keeps has attestations.
Result<void> image_attestations(Call& call) {
    TRY(asked(call));
    return call.reply(200, json::Array{});
}

Result<void> image_history(Call& call) {
    auto image = TRY(asked(call));
    auto items = TRY(call.images().images().history(image->id.str()));
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
    image::RemoveOptions options{.force = call.flag("force"), .prune_parents = !call.flag("noprune")};
    options.platforms = TRY(call.platforms("platforms", 50, 50));
    auto removed = TRY(call.images().remove(call.name(), options));
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
