// stop, restart, kill, pause, unpause, rename, rm, container prune.
#include <algorithm>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/commands/prompt.h"
#include "apps/hull/format/human.h"

namespace hull::cli {

namespace {

Result<int> post_each(Session& session, const char* action, const Query& query = {}) {
    return for_each_operand(session, [&](Engine& engine, const std::string& name) -> Result<void> {
        TRY(engine.post(container_path(name, action), query));
        return {};
    });
}

Query stop_query(const Flags& flags) {
    Query query;
    query.add_unless_empty("signal", flags.text("signal")).add_if(flags.given("timeout"), "t", flags.text("timeout"));
    return query;
}

} // namespace

Result<int> stop_containers(Session& session) { return post_each(session, "stop", stop_query(session.flags())); }
Result<int> restart_containers(Session& session) { return post_each(session, "restart", stop_query(session.flags())); }
Result<int> pause_containers(Session& session) { return post_each(session, "pause"); }
Result<int> unpause_containers(Session& session) { return post_each(session, "unpause"); }

Result<int> kill_containers(Session& session) {
    Query query;
    query.add_unless_empty("signal", session.flags().text("signal"));
    return post_each(session, "kill", query);
}

Result<int> rename_container(Session& session) {
    const std::string& from = session.operands()[0];
    const std::string& to = session.operands()[1];
    if (from.empty() || to.empty()) return Error(ErrorKind::invalid_argument, "neither old nor new names may be empty");
    Engine& engine = *TRY(session.engine());
    auto renamed = engine.post(container_path(from, "rename"), Query().add("name", to));
    if (renamed.ok()) return 0;
    print_error(renamed.error().message() + "\nError: failed to rename container named " + from + "\n");
    return 1;
}

Result<int> remove_containers(Session& session) {
    const Flags& flags = session.flags();
    Query query;
    query.add_if(flags.on("volumes"), "v", "1")
        .add_if(flags.on("link"), "link", "1")
        .add_if(flags.on("force"), "force", "1");
    Engine& engine = *TRY(session.engine());
    int code = 0;
    for (const std::string& operand : session.operands()) {
        std::string name = operand.substr(std::min(operand.find_first_not_of('/'), operand.size()));
        if (name.empty()) return Error(ErrorKind::invalid_argument, "container name cannot be empty");
        auto removed = engine.remove(container_path(name, ""), query);
        if (removed.ok()) {
            print(operand + "\n");
            continue;
        }
        print_error(removed.error().message() + "\n");
        // rm -f of what is not there is done already.
        if (removed.error().kind() != ErrorKind::not_found || !flags.on("force")) code = 1;
        if (removed.error().kind() == ErrorKind::unavailable) break;
    }
    return code;
}

Result<int> prune_containers(Session& session) {
    std::string filters = TRY(filters_json(session.flags().list("filter")));
    if (!session.flags().on("force") &&
        !TRY(confirm("WARNING! This will remove all stopped containers.\nAre you sure you want to continue?")))
        return Error(ErrorKind::cancelled, "container prune has been cancelled");
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post("/containers/prune", Query().add_unless_empty("filters", filters)));
    Json answer = TRY(reply.json());
    std::string out;
    for (const Json& id : list(answer, "ContainersDeleted")) {
        if (out.empty()) out = "Deleted Containers:\n";
        out += std::string(id.is_string() ? id.get_string() : "") + "\n";
    }
    if (!out.empty()) out += "\n";
    print(out + "Total reclaimed space: " + format::decimal_size(real(answer, "SpaceReclaimed"), 4) + "\n");
    return 0;
}

} // namespace hull::cli
