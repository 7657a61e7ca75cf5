// GET /system/df.
#include <algorithm>
#include <set>

#include "api/container_json.h"
#include "api/handlers.h"
#include "api/image_json.h"
#include "api/volume_json.h"
#include "build/builder.h"
#include "codec/json.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

struct Usage {
    int64_t active = 0, total = 0, size = 0, reclaimable = 0;
    Array items;

    Object json(bool verbose) const {
        Object object{
            {"ActiveCount", active}, {"TotalCount", total}, {"TotalSize", size}, {"Reclaimable", reclaimable}};
        if (verbose && !items.empty()) object["Items"] = items;
        return object;
    }
};

Usage container_usage(const std::vector<engine::ContainerSummary>& containers, const Call& call) {
    Usage usage;
    for (const auto& container : containers) {
        bool active = container.status == engine::Status::running || container.status == engine::Status::paused ||
                      container.status == engine::Status::restarting;
        int64_t size = container.size ? container.size->rw : 0;
        ++usage.total;
        usage.active += active;
        usage.size += size;
        if (!active) usage.reclaimable += size;
        usage.items.push_back(summary_json(container, call.version()));
    }
    return usage;
}

// kept: bytes of packed blobs, by the layers' diff ids and the images' ids that they are of.
Usage image_usage(const std::vector<image::Summary>& images, const std::map<std::string, int64_t>& users,
                  const std::map<image::Digest, uint64_t>& kept, const Call& call) {
    Usage usage;
    // Each layer once: by image sizes less what is shared, plus the shared part of one owner.
    std::map<std::string, int64_t> layers;
    std::set<std::string> used_layers;
    std::set<image::Digest> used_content;
    for (const auto& summary : images) {
        auto found = users.find(summary.image->id.str());
        int64_t count = found == users.end() ? 0 : found->second;
        usage.total += !summary.other_platform;
        usage.active += count > 0;
        std::string chain;
        const auto& ids = summary.image->config.diff_ids;
        for (size_t i = 0; i < ids.size(); ++i) {
            chain += ids[i].str();
            layers[chain] = i < summary.layer_sizes.size() ? static_cast<int64_t>(summary.layer_sizes[i]) : 0;
            if (count > 0) used_layers.insert(chain);
            if (count > 0) used_content.insert(ids[i]);
        }
        if (count > 0) used_content.insert(summary.image->id);
        if (summary.other_platform) continue; // it shows with the image that its names mean first
        usage.items.push_back(image_summary_json(
            summary, {.containers = count, .shared_size = static_cast<int64_t>(summary.shared_size)}, call.version()));
    }
    for (const auto& [of, bytes] : kept) {
        usage.size += static_cast<int64_t>(bytes);
        if (!used_content.contains(of)) usage.reclaimable += static_cast<int64_t>(bytes);
    }
    for (const auto& [chain, size] : layers) {
        usage.size += size;
        if (!used_layers.contains(chain)) usage.reclaimable += size;
    }
    return usage;
}

Usage volume_usage(const std::vector<engine::VolumeView>& volumes) {
    Usage usage;
    for (const engine::VolumeView& volume : volumes) {
        int64_t size = std::max<int64_t>(volume.size, 0);
        ++usage.total;
        usage.active += volume.users > 0;
        usage.size += size;
        if (volume.users == 0) usage.reclaimable += size;
        usage.items.push_back(volume_json(volume));
    }
    return usage;
}

Usage cache_usage(const std::vector<build::CacheRecord>& records, const Call& call) {
    Usage usage;
    for (const build::CacheRecord& record : records) {
        const auto size = static_cast<int64_t>(record.size);
        ++usage.total;
        usage.active += record.in_use;
        if (!record.shared) {
            usage.size += size;
            if (!record.in_use) usage.reclaimable += size;
        }
        Object item{{"ID", record.id},
                    {"Type", record.type},
                    {"Description", record.description},
                    {"InUse", record.in_use},
                    {"Shared", record.shared},
                    {"Size", size},
                    {"CreatedAt", to_rfc3339(record.created)},
                    {"LastUsedAt", record.used ? Value(to_rfc3339(*record.used)) : Value(nullptr)},
                    {"UsageCount", record.uses}};
        if (!call.at_least(42))
            item["Parent"] = record.parents.empty() ? "" : record.parents.front();
        else if (!record.parents.empty())
            item["Parents"] = json::encode(record.parents);
        usage.items.push_back(std::move(item));
    }
    return usage;
}

// What the types parameter asks for; nothing said: everything.
bool wanted(const Call& call, std::string_view type) {
    auto types = call.texts("type");
    return !call.at_least(42) || types.empty() || std::find(types.begin(), types.end(), type) != types.end();
}

void add_legacy(Object& object, const Usage& images, const Usage& containers, const Usage& volumes, const Usage& cache,
                const Call& call) {
    if (wanted(call, "image")) {
        object["LayersSize"] = images.size;
        object["Images"] = images.items;
    }
    if (wanted(call, "container")) object["Containers"] = containers.items;
    if (wanted(call, "volume")) object["Volumes"] = volumes.items;
    if (wanted(call, "build-cache")) object["BuildCache"] = cache.items;
    if (!call.at_least(42)) object["BuilderSize"] = cache.size;
}

} // namespace

Result<void> disk_usage(Call& call) {
    if (call.at_least(42))
        for (const std::string& type : call.texts("type"))
            if (type != "container" && type != "image" && type != "volume" && type != "build-cache")
                return Error(ErrorKind::invalid_argument, "unknown object type: " + type);
    engine::ListOptions options;
    options.all = true;
    options.size = wanted(call, "container");
    auto containers = TRY(call.containers().list(options));
    std::map<std::string, int64_t> users;
    for (const auto& container : containers) ++users[container.image_id];
    Usage of_images = image_usage(call.images().images().summaries(), users, call.images().images().kept_bytes(), call);
    Usage of_containers = container_usage(containers, call);
    Usage of_volumes;
    if (wanted(call, "volume")) of_volumes = volume_usage(TRY(call.volumes().usage()));
    Usage of_cache;
    if (auto builder = call.builder(); builder.ok() && wanted(call, "build-cache"))
        of_cache = cache_usage(TRY((*builder)->usage()), call);
    bool verbose = call.flag("verbose");
    Object object;
    if (!call.at_least(53) && !(call.at_least(52) && verbose))
        add_legacy(object, of_images, of_containers, of_volumes, of_cache, call);
    if (call.at_least(52)) {
        if (wanted(call, "image")) object["ImageUsage"] = of_images.json(verbose);
        if (wanted(call, "container")) object["ContainerUsage"] = of_containers.json(verbose);
        if (wanted(call, "volume")) object["VolumeUsage"] = of_volumes.json(verbose);
        if (wanted(call, "build-cache")) object["BuildCacheUsage"] = of_cache.json(verbose);
    }
    return call.reply(200, object);
}

} // namespace hull::api
