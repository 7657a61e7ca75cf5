// tag, rmi, image prune.
#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/prompt.h"
#include "apps/hull/format/human.h"
#include "model/image.h"

namespace hull::cli {

namespace {

std::string deletions(const boost::json::array& steps, const char* untagged, const char* deleted) {
    std::string out;
    for (const Json& step : steps) {
        if (std::string name = text(step, "Untagged"); !name.empty()) out += untagged + name + "\n";
        if (std::string id = text(step, "Deleted"); !id.empty()) out += deleted + id + "\n";
    }
    return out;
}

} // namespace

Result<int> tag_image(Session& session) {
    const auto& operands = session.operands();
    auto parsed = model::Reference::parse(operands[1]);
    if (!parsed.ok())
        return Error(ErrorKind::invalid_argument, "Error parsing reference: \"" + operands[1] +
                                                      "\" is not a valid repository/tag: " + parsed.error().message());
    if (parsed->digest) return Error(ErrorKind::invalid_argument, "refusing to create a tag with a digest reference");
    Query query;
    query.add("repo", parsed->familiar_name()).add("tag", parsed->tag.empty() ? "latest" : parsed->tag);
    Engine* engine = TRY(session.engine());
    TRY(engine->post("/images/" + path_part(operands[0]) + "/tag", query));
    return 0;
}

Result<int> remove_images(Session& session) {
    const Flags& flags = session.flags();
    Engine& engine = *TRY(session.engine());
    Query query;
    query.add_if(flags.on("force"), "force", "1").add_if(flags.on("no-prune"), "noprune", "1");
    for (const std::string& platform : flags.list("platform")) query.add("platforms", platform);
    int code = 0;
    for (const std::string& name : session.operands()) {
        auto reply = engine.remove("/images/" + path_part(name), query);
        if (reply.ok()) {
            print(deletions(list(TRY(reply->json()), ""), "Untagged: ", "Deleted: "));
            continue;
        }
        print_error(reply.error().message() + "\n");
        if (reply.error().kind() != ErrorKind::not_found || !flags.on("force")) code = 1;
        if (reply.error().kind() == ErrorKind::unavailable) break;
    }
    return code;
}

Result<int> prune_images(Session& session) {
    const Flags& flags = session.flags();
    auto given = flags.list("filter");
    given.push_back(flags.on("all") ? "dangling=false" : "dangling=true");
    std::string filters = TRY(filters_json(given));
    const char* warning =
        flags.on("all") ? "WARNING! This will remove all images without at least one container associated to them.\n"
                          "Are you sure you want to continue?"
                        : "WARNING! This will remove all dangling images.\nAre you sure you want to continue?";
    if (!flags.on("force") && !TRY(confirm(warning)))
        return Error(ErrorKind::cancelled, "image prune has been cancelled");
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post("/images/prune", Query().add("filters", filters)));
    Json answer = TRY(reply.json());
    const auto& steps = list(answer, "ImagesDeleted");
    std::string out = steps.empty() ? "" : "Deleted Images:\n" + deletions(steps, "untagged: ", "deleted: ") + "\n";
    print(out + "Total reclaimed space: " + format::decimal_size(real(answer, "SpaceReclaimed"), 4) + "\n");
    return 0;
}

} // namespace hull::cli
