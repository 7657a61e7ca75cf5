// The commands on the engine itself, and on objects of any kind.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/rows.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag events_flags[] = {
    {"filter", 'f', list, "filter", "", "Only those that fit (type=container, event=die, ...)", {}},
    {"format", 0, text, "string", "", "'json' or a Go template", {}},
    {"since", 0, text, "string", "", "Also those since this time or age", {}},
    {"until", 0, text, "string", "", "End at this time", {}},
};
constexpr Flag info_flags[] = {
    {"format", 'f', text, "string", "", "'json' or a Go template", {}},
    {"probe", 0, boolean, "", "", "Try what containers need of this machine's kernel instead", {}},
};
constexpr Flag version_flags[] = {
    {"client", 0, boolean, "", "", "Only the client; asks no engine", {}},
    {"format", 'f', text, "string", "", "'json' or a Go template", {}},
};
constexpr Flag inspect_flags[] = {
    {"format", 'f', text, "string", "", "'json' or a Go template", {}},
    {"size", 's', boolean, "", "", "Count the sizes of a container's files", {}},
    {"type", 0, text, "string", "", "Only objects of this type (container, image, ...)", {}},
};
constexpr Flag df_flags[] = {
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"verbose", 'v', boolean, "", "", "Each image, container, volume and build cache", {}},
};
constexpr Flag check_flags[] = {
    {"quick", 0, boolean, "", "", "Look for files, but don't read them", {}},
    {"repair", 0, boolean, "", "", "Mend what can be mended", {}},
};
constexpr Flag system_prune_flags[] = {
    {"all", 'a', boolean, "", "", "Every image that no container uses", {}},
    {"filter", 0, list, "filter", "", "Only those that fit (label=a=b, until=TIME)", {}},
    {"force", 'f', boolean, "", "", "Don't ask", {}},
    {"volumes", 0, boolean, "", "", "Anonymous volumes, too", {}},
};

} // namespace
} // namespace rows

std::vector<Command> system_commands() {
    using namespace rows;
    return {
        command("system events", "events", "", none, "Show what happens, live", {events_flags, {}}, show_events),
        command("system info", "info", "", none, "Show the state of the engine", {info_flags, {}}, show_info),
        command("inspect", "inspect", "", {"NAME|ID [NAME|ID...]", 1, any},
                "Show all there is to know about containers, images, ...", {inspect_flags, {}}, inspect_any),
        command("version", "version", "", none, "Show the versions of client and engine", {version_flags, {}},
                show_version),
        command("system check", "", "", none, "Check records against disk and kernel, and mend what is off",
                {check_flags, {}}, check_system),
        command("system df", "", "", none, "Show what takes disk space", {df_flags, {}}, show_disk_usage),
        command("system dial-stdio", "", "", none, "Pass the engine's socket on to stdin and stdout", {}, dial_stdio),
        command("system prune", "", "", none, "Remove what nothing uses", {system_prune_flags, {}}, prune_system),
        command("completion", "completion", "", {"bash|zsh|fish", 1, 1}, "Print the completion script of a shell", {},
                print_completion),
    };
}

} // namespace hull::cli
