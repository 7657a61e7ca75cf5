// logs.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"

namespace hull::cli {

Result<int> show_logs(Session& session) {
    const Flags& flags = session.flags();
    Engine& engine = *TRY(session.engine());
    Json container = TRY(engine.get(container_path(session.operands()[0], "json")));
    Query query;
    query.add("stdout", "1")
        .add("stderr", "1")
        .add_if(flags.on("follow"), "follow", "1")
        .add_if(flags.on("timestamps"), "timestamps", "1")
        .add_if(flags.on("details"), "details", "1")
        .add_unless_empty("since", TRY(timestamp_of("since", flags.text("since"))))
        .add_unless_empty("until", TRY(timestamp_of("until", flags.text("until"))))
        .add("tail", flags.text("tail"));
    Exchange logs = TRY(engine.begin(
        {.path = container_path(text(container, "Id"), "logs"), .query = query.str(), .body = {}, .headers = {}}));
    TRY(logs.head());
    TRY(copy_body([&](std::span<char> into) { return logs.read(into); }, !boolean(container, "Config.Tty")));
    return 0;
}

} // namespace hull::cli
