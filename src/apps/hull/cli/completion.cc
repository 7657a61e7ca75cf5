#include "apps/hull/cli/completion.h"

#include <algorithm>

#include <boost/json.hpp>

#include "apps/hull/cli/session.h"

namespace hull::cli {

namespace {

void propose(std::string& out, std::string_view word, std::string_view typed, std::string_view help = {}) {
    if (!word.starts_with(typed)) return;
    out.append(word);
    if (!help.empty()) out.append("\t").append(help);
    out += '\n';
}

void propose_commands(std::string& out, std::string_view typed, const Manager* manager) {
    for (const Command& c : commands()) {
        const size_t space = c.path.find(' ');
        const std::string_view parent = space == c.path.npos ? std::string_view{} : c.path.substr(0, space);
        if (manager && parent == manager->name) propose(out, c.path.substr(space + 1), typed, c.summary);
        if (!manager && !c.shortcut.empty()) propose(out, c.shortcut, typed, c.summary);
    }
    if (manager) return;
    for (const Manager& m : managers()) propose(out, m.name, typed, m.summary);
}

void propose_flags(std::string& out, std::string_view typed, FlagTables tables) {
    for (auto table : {tables.own, tables.shared})
        for (const Flag& f : table)
            if (!f.help.empty()) propose(out, "--" + std::string(f.name), typed, f.help);
}

// Whether the word before is a flag that takes this one as its value.
bool wants_value(FlagTables tables, const std::string& before) {
    const Flag* flag = nullptr;
    if (before.starts_with("--") && before.find('=') == before.npos)
        flag = tables.find(std::string_view(before).substr(2));
    else if (before.size() == 2 && before[0] == '-')
        flag = tables.find(before[1]);
    return flag && flag->type != FlagType::boolean;
}

// What the engine has of the kind that the operand names; silent when it can't be asked.
void propose_objects(std::string& out, std::string_view typed, const Command& command) {
    Session session(command, {}, {.host = {}, .context = {}, .config_folder = default_config_folder()});
    auto engine = session.engine();
    if (!engine.ok()) return;
    const std::string_view kinds = command.operands;
    auto ask = [&](const char* path, const char* list_at, auto&& names) {
        auto answer = (*engine)->get(path);
        if (!answer.ok()) return;
        for (const Json& one : list(*answer, list_at)) names(one);
    };
    if (kinds.find("CONTAINER") != kinds.npos)
        ask("/containers/json?all=1", "", [&](const Json& one) {
            for (const Json& name : list(one, "Names"))
                if (name.is_string())
                    propose(out, std::string(name.get_string()).substr(1), typed, text(one, "Status"));
        });
    if (kinds.find("IMAGE") != kinds.npos || command.path == "image push")
        ask("/images/json", "", [&](const Json& one) {
            for (const Json& name : list(one, "RepoTags"))
                if (name.is_string()) propose(out, std::string(name.get_string()), typed);
        });
    if (kinds.find("NETWORK") != kinds.npos)
        ask("/networks", "", [&](const Json& one) { propose(out, text(one, "Name"), typed, text(one, "Driver")); });
    if (kinds.find("VOLUME") != kinds.npos)
        ask("/volumes", "Volumes", [&](const Json& one) { propose(out, text(one, "Name"), typed); });
}

} // namespace

int run_completion(std::span<const std::string> words) {
    std::string out;
    const std::string typed = words.empty() ? "" : words.back();
    std::vector<std::string> before(words.begin(), words.empty() ? words.end() : words.end() - 1);
    // Global flags and their values stand in front.
    const FlagTables global{global_flags(), {}};
    size_t first = 0;
    while (first < before.size() && before[first].starts_with('-')) first += wants_value(global, before[first]) ? 2 : 1;
    before.erase(before.begin(), before.begin() + static_cast<ptrdiff_t>(std::min(first, before.size())));
    const Found found = find_command(before);
    if (!found.command) {
        if (typed.starts_with('-') && !found.manager)
            propose_flags(out, typed, global);
        else
            propose_commands(out, typed, found.manager);
    } else if (typed.starts_with('-')) {
        propose_flags(out, typed, found.command->tables());
    } else if (before.size() <= found.words || !wants_value(found.command->tables(), before.back())) {
        propose_objects(out, typed, *found.command);
    }
    print(out);
    return 0;
}

} // namespace hull::cli
