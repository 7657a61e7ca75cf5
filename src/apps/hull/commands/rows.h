// How the command tables write their rows.
#pragma once

#include <string_view>
#include <vector>

#include "apps/hull/cli/command.h"

namespace hull::cli {

#define HULL_FORMAT                                                                                                    \
    "How to print it: 'table', 'table TEMPLATE', 'json', or a Go template (docs: --format of the command's page)"

namespace rows {

struct Operands {
    std::string_view text;
    int least = 0, most = 0; // most -1: any number
};
inline constexpr int any = -1;
inline constexpr Operands none{"", 0, 0};
inline constexpr Operands one_container{"CONTAINER", 1, 1}, containers{"CONTAINER [CONTAINER...]", 1, any};
inline constexpr Operands images{"IMAGE [IMAGE...]", 1, any};

struct Tables {
    std::span<const Flag> own, more;
};

inline Command command(std::string_view path, std::string_view shortcut, std::string_view aliases, Operands operands,
                       std::string_view summary, Tables flags, Result<int> (*run)(Session&)) {
    return {.path = path,
            .shortcut = shortcut,
            .aliases = aliases,
            .operands = operands.text,
            .summary = summary,
            .flags = flags.own,
            .more_flags = flags.more,
            .least = operands.least,
            .most = operands.most,
            .run = run};
}
// Flags end at the first operand: what follows is somebody else's.
inline Command flags_first(Command row) {
    row.order = Order::flags_first;
    return row;
}
inline Command runs_container(Command row) {
    row.runs_container = true;
    return row;
}

inline constexpr Flag prune_flags[] = {
    {"filter", 0, FlagType::list, "filter", "", "Only those that fit (until=TIME, label=a=b)", {}},
    {"force", 'f', FlagType::boolean, "", "", "Don't ask", {}},
};

} // namespace rows

// One function for each table file; table.cc puts them together.
std::vector<Command> container_commands();
std::vector<Command> context_commands();
std::vector<Command> image_commands();
std::vector<Command> network_commands();
std::vector<Command> system_commands();
std::vector<Command> volume_commands();

} // namespace hull::cli
