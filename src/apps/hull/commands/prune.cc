// system prune and builder prune.
#include "apps/hull/commands/prune.h"

#include <cstdlib>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/prompt.h"
#include "apps/hull/format/human.h"

namespace hull::cli {

namespace {

struct PruneWords {
    const char *path, *member, *title;
};
PruneWords words_of(Prunable kind) {
    switch (kind) {
    case Prunable::containers: return {"/containers/prune", "ContainersDeleted", "Deleted Containers:\n"};
    case Prunable::networks: return {"/networks/prune", "NetworksDeleted", "Deleted Networks:\n"};
    case Prunable::volumes: return {"/volumes/prune", "VolumesDeleted", "Deleted Volumes:\n"};
    case Prunable::images: return {"/images/prune", "ImagesDeleted", "Deleted Images:\n"};
    case Prunable::build_cache: return {"/build/prune", "CachesDeleted", "Deleted build cache objects:\n"};
    }
    std::abort();
}

} // namespace

Result<Pruned> prune_kind(Engine& engine, Prunable kind, const std::string& filters, const Query& more) {
    const PruneWords words = words_of(kind);
    Query query = more;
    query.add_unless_empty("filters", filters);
    Reply reply = TRY(engine.post(words.path, query));
    Json answer = TRY(reply.json());
    Pruned pruned{.text = {}, .bytes = real(answer, "SpaceReclaimed")};
    for (const Json& one : list(answer, words.member)) {
        if (pruned.text.empty()) pruned.text = words.title;
        if (one.is_string()) {
            pruned.text.append(one.get_string()).append("\n");
            continue;
        }
        if (std::string name = text(one, "Untagged"); !name.empty()) pruned.text += "untagged: " + name + "\n";
        if (std::string id = text(one, "Deleted"); !id.empty()) pruned.text += "deleted: " + id + "\n";
    }
    if (!pruned.text.empty()) pruned.text += "\n";
    return pruned;
}

Result<int> prune_system(Session& session) {
    const Flags& flags = session.flags();
    const bool all = flags.on("all"), volumes = flags.on("volumes");
    std::vector<std::string> until, others;
    for (const std::string& one : flags.list("filter")) (one.starts_with("until=") ? until : others).push_back(one);
    if (!until.empty() && volumes)
        return Error(ErrorKind::invalid_argument, "ERROR: The \"until\" filter is not supported with \"--volumes\"");
    std::string warning =
        "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least "
        "one container\n";
    if (volumes) warning += "  - all anonymous volumes not used by at least one container\n";
    warning += all ? "  - all images without at least one container associated to them\n" : "  - all dangling images\n";
    warning += all ? "  - all build cache\n\n" : "  - unused build cache\n\n";
    if (auto filters = flags.list("filter"); !filters.empty()) {
        warning += "  Items to be pruned will be filtered with:\n";
        for (const std::string& one : filters) warning += "  - " + one + "\n";
        warning += "\n";
    }
    if (!flags.on("force") && !TRY(confirm(warning + "Are you sure you want to continue?")))
        return Error(ErrorKind::cancelled, "system prune has been cancelled");
    Engine& engine = *TRY(session.engine());
    const std::string filters = TRY(filters_json(flags.list("filter")));
    auto image_filters = flags.list("filter");
    image_filters.push_back(all ? "dangling=false" : "dangling=true");
    double bytes = 0;
    auto prune = [&](Prunable kind, const std::string& with, const Query& more = {}) -> Result<void> {
        Pruned pruned = TRY(prune_kind(engine, kind, with, more));
        print(pruned.text);
        bytes += pruned.bytes;
        return {};
    };
    TRY(prune(Prunable::containers, filters));
    TRY(prune(Prunable::networks, filters));
    if (volumes) TRY(prune(Prunable::volumes, filters));
    TRY(prune(Prunable::images, TRY(filters_json(image_filters))));
    // The build cache knows no labels.
    if (others.empty()) TRY(prune(Prunable::build_cache, TRY(filters_json(until)), Query().add_if(all, "all", "1")));
    print("Total reclaimed space: " + format::decimal_size(bytes, 4) + "\n");
    return 0;
}

Result<int> prune_build_cache(Session& session) {
    const Flags& flags = session.flags();
    const char* warning =
        flags.on("all") ? "WARNING! This will remove all build cache. Are you sure you want to continue?"
                        : "WARNING! This will remove all dangling build cache. Are you sure you want to continue?";
    if (!flags.on("force") && !TRY(confirm(warning)))
        return Error(ErrorKind::cancelled, "builder prune has been cancelled");
    Query query;
    query.add_if(flags.on("all"), "all", "1");
    for (const char* name : {"keep-storage", "max-used-space", "min-free-space", "reserved-space"})
        query.add_if(flags.number(name) > 0, name, std::to_string(flags.number(name)));
    Pruned pruned =
        TRY(prune_kind(*TRY(session.engine()), Prunable::build_cache, TRY(filters_json(flags.list("filter"))), query));
    print(pruned.text + "Total:\t" + format::decimal_size(pruned.bytes, 4) + "\n");
    return 0;
}

} // namespace hull::cli
