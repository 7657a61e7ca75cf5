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
constexpr Flag volume_clone_flags[] = {
    {"label", 0, list, "list", "", "Label of the clone (name=value)", {}},
    {"opt", 'o', list, "map", "", "Option of the clone (size=10G)", {}},
};
constexpr Flag volume_export_flags[] = {
    {"output", 'o', text, "string", "", "Into this file, not to standard output", {}}};
constexpr Flag volume_import_flags[] = {{"replace", 0, boolean, "", "", "Remove what the volume holds", {}}};
constexpr Flag volume_snapshots_flags[] = {
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"quiet", 'q', boolean, "", "", "Only names", {}},
};
constexpr Flag volume_remove_flags[] = {{"force", 'f', boolean, "", "", "No error for one that isn't there", {}}};

constexpr Operands volumes{"VOLUME [VOLUME...]", 1, any};

} // namespace
} // namespace rows

std::vector<Command> volume_commands() {
    using namespace rows;
    return {
        command("volume clone", "", "", {"VOLUME[@SNAPSHOT] NEW", 2, 2},
                "Make a volume that holds what another one does", {volume_clone_flags, {}}, clone_volume),
        command("volume create", "", "", {"[VOLUME]", 0, 1}, "Make a volume", {volume_create_flags, {}}, create_volume),
        command("volume export", "", "", {"VOLUME[@SNAPSHOT]", 1, 1}, "Write what a volume holds as a tar archive",
                {volume_export_flags, {}}, export_volume),
        command("volume import", "", "", {"VOLUME [file|-]", 1, 2}, "Fill a volume from a tar archive",
                {volume_import_flags, {}}, import_volume),
        command("volume inspect", "", "", volumes, "Show all there is to know about volumes",
                {volume_inspect_flags, {}}, inspect_volumes),
        command("volume ls", "", "list", none, "List volumes", {volume_list_flags, {}}, list_volumes),
        command("volume prune", "", "", none, "Remove volumes that no container uses", {volume_prune_flags, {}},
                prune_volumes),
        command("volume resize", "", "", {"VOLUME SIZE", 2, 2}, "Let a volume of limited size hold more", {},
                resize_volume),
        command("volume restore", "", "", {"VOLUME SNAPSHOT", 2, 2}, "Bring back what a volume held", {},
                restore_volume),
        command("volume rm", "", "remove", {"VOLUME[@SNAPSHOT] [VOLUME...]", 1, any}, "Remove volumes or snapshots",
                {volume_remove_flags, {}}, remove_volumes),
        command("volume snapshot", "", "", {"VOLUME [SNAPSHOT]", 1, 2}, "Keep what a volume holds now", {},
                snapshot_volume),
        command("volume snapshots", "", "", {"VOLUME", 1, 1}, "List a volume's snapshots", {volume_snapshots_flags, {}},
                list_snapshots),
    };
}

} // namespace hull::cli
