// ps and top.
#include <algorithm>
#include <optional>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/commands/display.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"
#include "base/clock.h"

namespace hull::cli {

namespace {

using format::Column;

constexpr Column ps_columns[] = {
    {"ID", "CONTAINER ID"},
    {"Image", "IMAGE"},
    {"Command", "COMMAND"},
    {"CreatedAt", "CREATED AT"},
    {"RunningFor", "CREATED"},
    {"Status", "STATUS"},
    {"State", "STATE"},
    {"Ports", "PORTS"},
    {"Names", "NAMES"},
    {"Labels", "LABELS"},
    {"LocalVolumes", "LOCAL VOLUMES"},
    {"Mounts", "MOUNTS"},
    {"Networks", "NETWORKS"},
    {"Size", "SIZE"},
    {"Platform", "PLATFORM"},
};
constexpr std::string_view ps_table =
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
constexpr std::string_view size_table = "\t{{.Size}}";

// A name of the container itself, not of a link to it.
std::string names_of(const Json& container, bool whole) {
    std::string out;
    for (const Json& name : list(container, "Names")) {
        if (!name.is_string()) continue;
        std::string_view text = name.get_string();
        text.remove_prefix(text.starts_with('/') ? 1 : 0);
        if (!whole && text.find('/') != text.npos) continue;
        out.append(out.empty() ? "" : ",").append(text);
    }
    return out;
}

std::string image_of(const Json& container, bool whole) {
    std::string image = text(container, "Image");
    if (image.empty()) return "<no image>";
    if (whole) return image;
    std::string id = text(container, "ImageID");
    if (image == id || (image.starts_with("sha256:") && id == image)) return format::short_id(id);
    size_t digest = image.find("@sha256:"); // the name is enough to tell it
    return digest == image.npos ? image : image.substr(0, digest);
}

boost::json::object row_of(const Json& container, bool whole) {
    boost::json::object row;
    std::string id = text(container, "Id");
    int64_t created = number(container, "Created") * 1'000'000'000;
    row["ID"] = whole ? id : format::short_id(id);
    row["Image"] = image_of(container, whole);
    std::string command = text(container, "Command");
    row["Command"] = boost::json::serialize(Json(whole ? command : format::ellipsis(command, 20)));
    row["CreatedAt"] = local_time_text(created);
    row["RunningFor"] = format::duration_words(wall_now().ns - created) + " ago";
    row["Status"] = text(container, "Status");
    row["State"] = text(container, "State");
    row["Ports"] = ports_text(list(container, "Ports"));
    row["Names"] = names_of(container, whole);
    row["Labels"] = pairs_text(object(container, "Labels"));
    int64_t volumes = 0;
    std::string mounts, networks;
    for (const Json& mount : list(container, "Mounts")) {
        std::string name = text(mount, "Name");
        if (name.empty()) name = text(mount, "Source");
        if (text(mount, "Driver") == "local") ++volumes;
        mounts += (mounts.empty() ? "" : ",") + (whole ? name : format::ellipsis(name, 15));
    }
    for (const auto& entry : object(container, "NetworkSettings.Networks"))
        networks.append(networks.empty() ? "" : ",").append(entry.key());
    row["LocalVolumes"] = std::to_string(volumes);
    row["Mounts"] = mounts;
    row["Networks"] = networks;
    double used = real(container, "SizeRw"), root = real(container, "SizeRootFs");
    row["Size"] = format::decimal_size(used) + (root > 0 ? " (virtual " + format::decimal_size(root) + ")" : "");
    std::string os = text(container, "ImageManifestDescriptor.platform.os");
    row["Platform"] = nullptr;
    if (!os.empty()) row["Platform"] = os + "/" + text(container, "ImageManifestDescriptor.platform.architecture");
    return row;
}

} // namespace

Result<int> list_containers(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    if (format.empty() && !flags.on("quiet")) format = TRY(session.config())->format_of("psFormat");
    bool size = flags.on("size") || (!flags.given("size") && format.find(".Size") != format.npos);
    int64_t last = flags.on("latest") && !flags.given("last") ? 1 : flags.number("last");
    Query query;
    query.add_if(flags.on("all"), "all", "1")
        .add_if(last > 0, "limit", std::to_string(last))
        .add_if(size, "size", "1")
        .add_unless_empty("filters", TRY(filters_json(flags.list("filter"))));
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get("/containers/json", query));

    bool whole = flags.on("no-trunc");
    format::Listing listing{ps_columns, {}};
    listing.method = [&](size_t row, std::string_view name, std::span<const Json> arguments) {
        return label_method(object(list(answer, "")[row], "Labels"), name, arguments);
    };
    std::string table(ps_table);
    if (flags.on("size")) table += size_table;
    if (flags.on("quiet")) table = "{{.ID}}";
    listing.default_table = table;
    for (const Json& container : list(answer, "")) listing.rows.push_back(row_of(container, whole));
    if (flags.on("quiet") && (format.empty() || format == "table")) format = "{{.ID}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

Result<int> show_top(Session& session) {
    const auto& operands = session.operands();
    Query query;
    std::string arguments;
    for (size_t i = 1; i < operands.size(); ++i) arguments += (i > 1 ? " " : "") + operands[i];
    query.add_unless_empty("ps_args", arguments);
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get(container_path(operands[0], "top"), query));
    auto line = [](const boost::json::array& cells) {
        std::string out;
        for (const Json& cell : cells)
            out.append(&cell == cells.data() ? "" : "\t")
                .append(cell.is_string() ? std::string_view(cell.get_string()) : "");
        return out + "\n";
    };
    std::string out = line(list(answer, "Titles"));
    for (const Json& process : list(answer, "Processes")) out += line(list(process, ""));
    print(format::align(out, 20));
    return 0;
}

} // namespace hull::cli
