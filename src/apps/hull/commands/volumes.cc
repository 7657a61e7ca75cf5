// volume create, ls, rm, prune.
#include <algorithm>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/display.h"
#include "apps/hull/commands/prompt.h"
#include "apps/hull/commands/prune.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"

namespace hull::cli {

namespace {

constexpr format::Column volume_columns[] = {
    {"Driver", "DRIVER"}, {"Name", "VOLUME NAME"}, {"Scope", "SCOPE"}, {"Mountpoint", "MOUNTPOINT"},
    {"Labels", "LABELS"}, {"Links", "LINKS"},      {"Size", "SIZE"},   {"Availability", "AVAILABILITY"},
    {"Group", "GROUP"},   {"Status", "STATUS"},
};

boost::json::object volume_row(const Json& volume) {
    return {{"Driver", text(volume, "Driver")},
            {"Name", text(volume, "Name")},
            {"Scope", text(volume, "Scope")},
            {"Mountpoint", text(volume, "Mountpoint")},
            {"Labels", pairs_text(object(volume, "Labels"))},
            {"Links", "N/A"},
            {"Size", "N/A"},
            {"Availability", "N/A"},
            {"Group", "N/A"},
            {"Status", "N/A"}};
}

} // namespace

Result<int> create_volume(Session& session) {
    const Flags& flags = session.flags();
    std::string name = flags.text("name");
    if (!session.operands().empty()) {
        if (!name.empty())
            return Error(
                ErrorKind::invalid_argument,
                "conflicting options: cannot specify a volume-name through both --name and as a positional arg");
        name = session.operands()[0];
    }
    boost::json::object body{{"Name", name},
                             {"Driver", flags.text("driver")},
                             {"DriverOpts", pairs_json(flags.list("opt"))},
                             {"Labels", pairs_json(flags.list("label"))}};
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post("/volumes/create", {}, boost::json::serialize(body)));
    print(text(TRY(reply.json()), "Name") + "\n");
    return 0;
}

Result<int> list_volumes(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    if (format.empty() && !flags.on("quiet")) format = TRY(session.config())->format_of("volumesFormat");
    Engine* engine = TRY(session.engine());
    Json answer =
        TRY(engine->get("/volumes", Query().add_unless_empty("filters", TRY(filters_json(flags.list("filter"))))));
    std::vector<const Json*> volumes;
    for (const Json& volume : list(answer, "Volumes")) volumes.push_back(&volume);
    std::ranges::stable_sort(volumes, {}, [](const Json* volume) { return text(*volume, "Name"); });
    format::Listing listing{volume_columns, "{{.Driver}}\t{{.Name}}"};
    listing.method = [&](size_t row, std::string_view name, std::span<const Json> arguments) {
        return label_method(object(*volumes[row], "Labels"), name, arguments);
    };
    for (const Json* volume : volumes) listing.rows.push_back(volume_row(*volume));
    if (flags.on("quiet") && (format.empty() || format == "table")) format = "{{.Name}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

Result<int> remove_volumes(Session& session) {
    const Query query = Query().add_if(session.flags().on("force"), "force", "1");
    return for_each_operand(session, [&](Engine& engine, const std::string& name) -> Result<void> {
        TRY(engine.remove("/volumes/" + path_part(name), query));
        return {};
    });
}

Result<int> prune_volumes(Session& session) {
    const Flags& flags = session.flags();
    const char* warning =
        flags.on("all") ? "WARNING! This will remove all local volumes not used by at least one container.\n"
                          "Are you sure you want to continue?"
                        : "WARNING! This will remove anonymous local volumes not used by at least one container.\n"
                          "Are you sure you want to continue?";
    if (!flags.on("force") && !TRY(confirm(warning)))
        return Error(ErrorKind::cancelled, "volume prune has been cancelled");
    auto filters = flags.list("filter");
    if (flags.on("all")) filters.emplace_back("all=1");
    Pruned pruned = TRY(prune_kind(*TRY(session.engine()), Prunable::volumes, TRY(filters_json(filters))));
    print(pruned.text + "Total reclaimed space: " + format::decimal_size(pruned.bytes, 4) + "\n");
    return 0;
}

} // namespace hull::cli
