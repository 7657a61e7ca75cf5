// system df.
#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/display.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"
#include "base/clock.h"

namespace hull::cli {

namespace {

constexpr format::Column usage_columns[] = {
    {"Type", "TYPE"}, {"TotalCount", "TOTAL"}, {"Active", "ACTIVE"}, {"Size", "SIZE"}, {"Reclaimable", "RECLAIMABLE"},
};

struct Usage {
    const char* type;
    int64_t total = 0, active = 0;
    double size = 0, reclaimable = 0;
    bool percent = true;
};

Usage image_usage(const Json& answer) {
    Usage out{.type = "Images", .size = real(answer, "LayersSize")};
    double used = 0;
    for (const Json& image : list(answer, "Images")) {
        ++out.total;
        if (number(image, "Containers") <= 0) continue;
        ++out.active;
        const double size = real(image, "Size"), shared = real(image, "SharedSize");
        if (size != -1 && shared != -1) used += size - shared;
    }
    out.reclaimable = out.size - used;
    return out;
}

Usage container_usage(const Json& answer) {
    Usage out{.type = "Containers"};
    for (const Json& one : list(answer, "Containers")) {
        ++out.total;
        const std::string state = text(one, "State");
        const bool active = state == "running" || state == "paused" || state == "restarting";
        out.active += active;
        out.size += real(one, "SizeRw");
        if (!active) out.reclaimable += real(one, "SizeRw");
    }
    return out;
}

Usage volume_usage(const Json& answer) {
    Usage out{.type = "Local Volumes"};
    for (const Json& one : list(answer, "Volumes")) {
        ++out.total;
        const bool active = number(one, "UsageData.RefCount") > 0;
        const double size = real(one, "UsageData.Size");
        out.active += active;
        if (size < 0) continue;
        out.size += size;
        if (!active) out.reclaimable += size;
    }
    return out;
}

Usage cache_usage(const Json& answer) {
    Usage out{.type = "Build Cache", .percent = false};
    for (const Json& one : list(answer, "BuildCache")) {
        ++out.total;
        out.active += boolean(one, "InUse");
        if (boolean(one, "Shared")) continue;
        out.size += real(one, "Size");
        if (!boolean(one, "InUse")) out.reclaimable += real(one, "Size");
    }
    return out;
}

boost::json::object usage_row(const Usage& usage) {
    std::string reclaimable = format::decimal_size(usage.reclaimable, 4);
    if (usage.percent && usage.size > 0)
        reclaimable += " (" + std::to_string(static_cast<int>(usage.reclaimable / usage.size * 100)) + "%)";
    return {{"Type", usage.type},
            {"TotalCount", std::to_string(usage.total)},
            {"Active", std::to_string(usage.active)},
            {"Size", format::decimal_size(usage.size, 4)},
            {"Reclaimable", reclaimable}};
}

std::string age_text(int64_t unix_ns) { return format::duration_words(wall_now().ns - unix_ns) + " ago"; }

std::string images_text(const Json& answer) {
    std::string out = "REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE\tSHARED SIZE\tUNIQUE SIZE\tCONTAINERS\n";
    for (const Json& image : list(answer, "Images")) {
        std::string name = "<none>:<none>";
        if (const auto& tags = list(image, "RepoTags"); !tags.empty() && tags[0].is_string())
            name = tags[0].get_string();
        const size_t colon = name.rfind(':');
        const double size = real(image, "Size"), shared = std::max(0.0, real(image, "SharedSize"));
        out += name.substr(0, colon) + "\t" + name.substr(colon + 1) + "\t" + format::short_id(text(image, "Id")) +
               "\t" + age_text(number(image, "Created") * 1'000'000'000) + "\t" + format::decimal_size(size, 4) + "\t" +
               format::decimal_size(shared, 4) + "\t" + format::decimal_size(size - shared, 4) + "\t" +
               std::to_string(number(image, "Containers")) + "\n";
    }
    return format::align(out);
}

std::string containers_text(const Json& answer) {
    std::string out = "CONTAINER ID\tIMAGE\tCOMMAND\tLOCAL VOLUMES\tSIZE\tCREATED\tSTATUS\tNAMES\n";
    for (const Json& one : list(answer, "Containers")) {
        int64_t volumes = 0;
        for (const Json& mount : list(one, "Mounts")) volumes += text(mount, "Driver") == "local";
        std::string name;
        if (const auto& names = list(one, "Names"); !names.empty() && names[0].is_string())
            name = std::string(names[0].get_string()).substr(1);
        out += format::short_id(text(one, "Id")) + "\t" + text(one, "Image") + "\t" +
               boost::json::serialize(Json(format::ellipsis(text(one, "Command"), 20))) + "\t" +
               std::to_string(volumes) + "\t" + format::decimal_size(real(one, "SizeRw")) + "\t" +
               age_text(number(one, "Created") * 1'000'000'000) + "\t" + text(one, "Status") + "\t" + name + "\n";
    }
    return format::align(out);
}

std::string volumes_text(const Json& answer) {
    std::string out = "VOLUME NAME\tLINKS\tSIZE\n";
    for (const Json& one : list(answer, "Volumes"))
        out += text(one, "Name") + "\t" + std::to_string(number(one, "UsageData.RefCount")) + "\t" +
               format::decimal_size(std::max(0.0, real(one, "UsageData.Size"))) + "\n";
    return format::align(out);
}

std::string caches_text(const Json& answer) {
    std::string out = "CACHE ID\tCACHE TYPE\tSIZE\tCREATED\tLAST USED\tUSAGE\tSHARED\n";
    for (const Json& one : list(answer, "BuildCache")) {
        auto age = [&](const char* member) {
            auto time = from_rfc3339(text(one, member));
            return time ? age_text(time->ns) : std::string();
        };
        out += text(one, "ID").substr(0, 12) + (boolean(one, "InUse") ? "*" : "") + "\t" + text(one, "Type") + "\t" +
               format::decimal_size(real(one, "Size")) + "\t" + age("CreatedAt") + "\t" + age("LastUsedAt") + "\t" +
               std::to_string(number(one, "UsageCount")) + "\t" + (boolean(one, "Shared") ? "true" : "false") + "\n";
    }
    return format::align(out);
}

} // namespace

Result<int> show_disk_usage(Session& session) {
    const Flags& flags = session.flags();
    const std::string format = flags.text("format");
    Engine* engine = TRY(session.engine());
    // The lists of all versions; newer ones have them only when asked.
    Json answer = TRY(engine->get("/system/df", Query().add("verbose", "1")));
    if (const auto& members = object(answer, ""); !members.contains("Images")) {
        boost::json::object flat{{"LayersSize", real(answer, "ImageUsage.TotalSize")}};
        for (auto [to, from] : {std::pair("Images", "ImageUsage"), std::pair("Containers", "ContainerUsage"),
                                std::pair("Volumes", "VolumeUsage"), std::pair("BuildCache", "BuildCacheUsage")})
            flat[to] = list(answer, std::string(from) + ".Items");
        answer = std::move(flat);
    }
    const Usage all[] = {image_usage(answer), container_usage(answer), volume_usage(answer), cache_usage(answer)};
    if (flags.on("verbose") && format.empty()) {
        print("Images space usage:\n\n" + images_text(answer) + "\nContainers space usage:\n\n" +
              containers_text(answer) + "\nLocal Volumes space usage:\n\n" + volumes_text(answer) +
              "\nBuild cache usage: " + format::decimal_size(all[3].size, 4) + "\n\n" + caches_text(answer));
        return 0;
    }
    if (flags.on("verbose")) {
        print(TRY(format::render_value(answer, format)));
        return 0;
    }
    format::Listing listing{usage_columns, "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"};
    for (const Usage& usage : all) listing.rows.push_back(usage_row(usage));
    print(TRY(format::render(listing, format)));
    return 0;
}

} // namespace hull::cli
