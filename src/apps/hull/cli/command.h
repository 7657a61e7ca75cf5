// One command of the table: its names, its flags, what runs it. The table feeds
// parsing, help, usage texts and suggestions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/hull/cli/flags.h"
#include "base/result.h"

namespace hull::cli {

class Session;

struct Command {
    std::string_view path;     // "container run"; the spelling under its manager
    std::string_view shortcut; // "run", or empty
    std::string_view aliases;  // other last words under the manager, space-separated
    std::string_view operands; // "IMAGE [COMMAND] [ARG...]"
    std::string_view summary;
    std::span<const Flag> flags;
    std::span<const Flag> more_flags;
    int least = 0, most = -1; // operands; -1: any number
    Order order = Order::mixed;
    // Errors are usage or engine errors of `run`: "hull: ..." and exit code 125.
    bool runs_container = false;
    // The exit code. An Error is printed by the caller.
    Result<int> (*run)(Session& session) = nullptr;

    FlagTables tables() const { return {flags, more_flags}; }
};

struct Manager { // "container", "image", ...
    std::string_view name, summary;
};

std::span<const Command> commands();
std::span<const Manager> managers();
// The flags before the command: -H, --context, ...
std::span<const Flag> global_flags();

// The command that these words name and how many words that takes; nullptr
// when there is none.
struct Found {
    const Command* command = nullptr;
    const Manager* manager = nullptr; // "hull container" alone or with an unknown word
    size_t words = 0;
};
Found find_command(std::span<const std::string> words);

// The name to print: "hull run" when it was called so, else "hull container run".
std::string display_name(const Command& command);

std::string usage_line(const Command& command);
std::string help_text(const Command& command);
std::string help_text(const Manager& manager);
std::string top_help();
// Names close to the word, best first, at most three.
std::vector<std::string> suggestions(std::string_view word, const Manager* manager);

} // namespace hull::cli
