// diff, export, commit.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/stream/save_stream.h"
#include "model/image.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

Result<int> show_changes(Session& session) {
    const std::string& name = session.operands()[0];
    if (name.empty()) return Error(ErrorKind::invalid_argument, "Container name cannot be empty");
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get(container_path(name, "changes")));
    constexpr std::string_view letters = "CAD";
    std::string out;
    for (const Json& change : list(answer, "")) {
        auto kind = static_cast<size_t>(number(change, "Kind"));
        out += kind < letters.size() ? letters[kind] : '?';
        out += " " + text(change, "Path") + "\n";
    }
    print(out);
    return 0;
}

Result<int> export_container(Session& session) {
    const std::string path = session.flags().text("output");
    if (path.empty() && sys::is_terminal(BorrowedFd(1)))
        return Error(ErrorKind::invalid_argument,
                     "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    Engine* engine = TRY(session.engine());
    Call call{.path = container_path(session.operands()[0], "export"), .query = {}, .body = {}, .headers = {}};
    Exchange exchange = TRY(engine->begin(std::move(call)));
    TRY(exchange.head());
    TRY(save_stream(exchange, path).context("failed to export container"));
    return 0;
}

Result<int> commit_container(Session& session) {
    const Flags& flags = session.flags();
    const auto& operands = session.operands();
    Query query;
    query.add("container", operands[0])
        .add_unless_empty("author", flags.text("author"))
        .add_unless_empty("comment", flags.text("message"))
        .add_if(flags.on("no-pause") || !flags.on("pause"), "pause", "0");
    if (operands.size() > 1) {
        auto name = TRY(model::Reference::parse(operands[1]));
        query.add("repo", name.familiar_name()).add("tag", name.tag.empty() ? "latest" : name.tag);
    }
    for (const std::string& change : flags.list("change")) query.add("changes", change);
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post("/commit", query));
    print(text(TRY(reply.json()), "Id") + "\n");
    return 0;
}

} // namespace hull::cli
