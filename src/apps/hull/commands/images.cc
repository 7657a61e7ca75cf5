// images and history.
#include <algorithm>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/display.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"
#include "base/clock.h"

namespace hull::cli {

namespace {

using format::Column;

constexpr Column image_columns[] = {
    {"ID", "IMAGE ID"},
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"Digest", "DIGEST"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"Size", "SIZE"},
    {"Containers", "CONTAINERS"},
    {"VirtualSize", "SIZE"},
    {"SharedSize", "SHARED SIZE"},
    {"UniqueSize", "UNIQUE SIZE"},
};
constexpr std::string_view plain_table = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
constexpr std::string_view digest_table =
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";

std::string size_or_unknown(double bytes) { return bytes < 0 ? "N/A" : format::decimal_size(bytes); }

struct Name {
    std::string repository = "<none>", tag = "<none>", digest = "<none>";
};

// One row per tag; per digest only when those are asked for or nothing else is there.
std::vector<Name> names_of(const Json& image, bool digests) {
    std::vector<Name> out;
    auto cut = [](std::string_view text, char by) {
        return std::pair(std::string(text.substr(0, text.rfind(by))), std::string(text.substr(text.rfind(by) + 1)));
    };
    std::vector<std::pair<std::string, std::string>> by_digest;
    for (const Json& d : list(image, "RepoDigests"))
        if (d.is_string() && d.get_string() != "<none>@<none>") by_digest.push_back(cut(d.get_string(), '@'));
    for (const Json& t : list(image, "RepoTags")) {
        if (!t.is_string() || t.get_string() == "<none>:<none>") continue;
        auto [repository, tag] = cut(t.get_string(), ':');
        auto found = std::ranges::find(by_digest, repository, &std::pair<std::string, std::string>::first);
        out.push_back({repository, tag, found == by_digest.end() ? "<none>" : found->second});
    }
    if (out.empty())
        for (const auto& [repository, digest] : by_digest) {
            out.push_back({repository, "<none>", digest});
            if (!digests) break;
        }
    if (out.empty()) out.push_back({});
    return out;
}

boost::json::object row_of(const Json& image, const Name& name, bool whole) {
    boost::json::object row;
    std::string id = text(image, "Id");
    int64_t created = number(image, "Created") * 1'000'000'000;
    row["ID"] = whole ? id : format::short_id(id);
    row["Repository"] = name.repository;
    row["Tag"] = name.tag;
    row["Digest"] = name.digest;
    row["CreatedSince"] = created > 0 ? format::duration_words(wall_now().ns - created) + " ago" : "N/A";
    row["CreatedAt"] = local_time_text(created);
    double size = real(image, "Size"), shared = at(image, "SharedSize") ? real(image, "SharedSize") : -1;
    row["Size"] = format::decimal_size(size);
    row["VirtualSize"] = format::decimal_size(size, 4);
    row["SharedSize"] = size_or_unknown(shared);
    row["UniqueSize"] = shared < 0 ? "N/A" : format::decimal_size(size - shared);
    int64_t containers = at(image, "Containers") ? number(image, "Containers") : -1;
    row["Containers"] = containers < 0 ? "N/A" : std::to_string(containers);
    return row;
}

constexpr Column history_columns[] = {
    {"ID", "IMAGE"},  {"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"}, {"CreatedBy", "CREATED BY"},
    {"Size", "SIZE"}, {"Comment", "COMMENT"},
};

boost::json::object history_row(const Json& entry, bool whole, bool human) {
    boost::json::object row;
    std::string id = text(entry, "Id");
    int64_t created = number(entry, "Created") * 1'000'000'000;
    std::string by = text(entry, "CreatedBy");
    std::ranges::replace(by, '\t', ' ');
    row["ID"] = whole || id == "<missing>" ? id : format::short_id(id);
    row["CreatedSince"] = !human         ? to_rfc3339({created})
                          : created <= 0 ? "N/A"
                                         : format::duration_words(wall_now().ns - created) + " ago";
    row["CreatedAt"] = to_rfc3339({created});
    row["CreatedBy"] = whole ? by : format::ellipsis(by, 45);
    row["Size"] = human ? format::decimal_size(real(entry, "Size")) : std::to_string(number(entry, "Size"));
    row["Comment"] = text(entry, "Comment");
    return row;
}

} // namespace

Result<int> list_images(Session& session) {
    const Flags& flags = session.flags();
    if (flags.on("tree")) return Error(ErrorKind::unsupported, "--tree is not supported by hull yet");
    std::string format = flags.text("format");
    if (format.empty() && !flags.on("quiet")) format = TRY(session.config())->format_of("imagesFormat");
    auto filters = flags.list("filter");
    if (!session.operands().empty()) filters.push_back("reference=" + session.operands()[0]);
    bool digests = flags.on("digests") || format.find(".Digest") != format.npos;
    Query query;
    query.add_if(flags.on("all"), "all", "1")
        .add_if(digests, "digests", "1")
        .add_unless_empty("filters", TRY(filters_json(filters)));
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get("/images/json", query));
    std::vector<const Json*> images;
    for (const Json& image : list(answer, "")) images.push_back(&image);
    std::ranges::stable_sort(images, std::greater(), [](const Json* image) { return number(*image, "Created"); });

    bool quiet = flags.on("quiet");
    format::Listing listing{image_columns, flags.on("digests") ? digest_table : plain_table};
    for (const Json* image : images)
        for (const Name& name : names_of(*image, digests)) {
            listing.rows.push_back(row_of(*image, name, flags.on("no-trunc")));
            if (quiet) break;
        }
    if (quiet && (format.empty() || format == "table")) format = "{{.ID}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

Result<int> show_history(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    Query query;
    query.add_unless_empty("platform", flags.text("platform"));
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get("/images/" + path_part(session.operands()[0]) + "/history", query));
    bool human = flags.on("human");
    format::Listing listing{history_columns, human
                                                 ? "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
                                                 : "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"};
    for (const Json& entry : list(answer, "")) listing.rows.push_back(history_row(entry, flags.on("no-trunc"), human));
    if (flags.on("quiet") && format.empty()) format = "{{.ID}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

} // namespace hull::cli
