// The commands on volumes.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/rows.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag volume_create_flags[] = {
    {"driver", 'd', text, "string", "local", "Driver", {}},
    {"label", 0, list, "list", "", "Label (name=value)", {}},
    {"name", 0, text, "string", "", "", {}},
    {"opt", 'o', list, "map", "", "Option of the driver (name=value)", {}},
};
constexpr Flag volume_inspect_flags[] = {{"format", 'f', text, "string", "", "'json' or a Go template", {}}};
constexpr Flag volume_list_flags[] = {
    {"filter", 'f', list, "filter", "", "Only those that fit (dangling=true, label=a=b, ...)", {}},
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"quiet", 'q', boolean, "", "", "Only names", {}},
};
constexpr Flag volume_prune_flags[] = {
    {"all", 'a', boolean, "", "", "Named ones, too", {}},
    {"filter", 0, list, "filter", "", "Only those that fit (label=a=b)", {}},
    {"force", 'f', boolean, "", "", "Don't ask", {}},
};
constexpr Flag volume_remove_flags[] = {{"force", 'f', boolean, "", "", "No error for one that isn't there", {}}};

constexpr Operands volumes{"VOLUME [VOLUME...]", 1, any};

} // namespace
} // namespace rows

std::vector<Command> volume_commands() {
    using namespace rows;
    return {
        command("volume create", "", "", {"[VOLUME]", 0, 1}, "Make a volume", {volume_create_flags, {}}, create_volume),
        command("volume inspect", "", "", volumes, "Show all there is to know about volumes",
                {volume_inspect_flags, {}}, inspect_volumes),
        command("volume ls", "", "list", none, "List volumes", {volume_list_flags, {}}, list_volumes),
        command("volume prune", "", "", none, "Remove volumes that no container uses", {volume_prune_flags, {}},
                prune_volumes),
        command("volume rm", "", "remove", volumes, "Remove volumes", {volume_remove_flags, {}}, remove_volumes),
    };
}

} // namespace hull::cli
