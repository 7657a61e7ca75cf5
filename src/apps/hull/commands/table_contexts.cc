// The commands on contexts: which engine is spoken to.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/rows.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag context_change_flags[] = {
    {"description", 0, text, "string", "", "What it is for", {}},
    {"docker", 0, list, "stringToString", "", "The engine: host=unix:///path", {}},
};
constexpr Flag context_create_flags[] = {
    {"description", 0, text, "string", "", "What it is for", {}},
    {"docker", 0, list, "stringToString", "", "The engine: host=unix:///path, or from=CONTEXT", {}},
    {"from", 0, text, "string", "", "Context to copy", {}},
};
constexpr Flag context_inspect_flags[] = {{"format", 'f', text, "string", "", "'json' or a Go template", {}}};
constexpr Flag context_list_flags[] = {
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"quiet", 'q', boolean, "", "", "Only names", {}},
};
constexpr Flag context_remove_flags[] = {{"force", 'f', boolean, "", "", "Even if it is in use", {}}};

} // namespace
} // namespace rows

std::vector<Command> context_commands() {
    using namespace rows;
    return {
        command("context create", "", "", {"CONTEXT", 1, 1}, "Make a context", {context_create_flags, {}},
                create_context),
        command("context inspect", "", "", {"[CONTEXT] [CONTEXT...]", 0, any},
                "Show all there is to know about contexts", {context_inspect_flags, {}}, inspect_contexts),
        command("context ls", "", "list", none, "List contexts", {context_list_flags, {}}, list_contexts),
        command("context rm", "", "remove", {"CONTEXT [CONTEXT...]", 1, any}, "Remove contexts",
                {context_remove_flags, {}}, remove_contexts),
        command("context show", "", "", none, "Print the name of the context in use", {}, show_context),
        command("context update", "", "", {"CONTEXT", 1, 1}, "Change a context", {context_change_flags, {}},
                update_context),
        command("context use", "", "", {"CONTEXT", 1, 1}, "Use a context from now on", {}, use_context),
    };
}

} // namespace hull::cli
