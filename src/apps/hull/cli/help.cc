// Texts made from the table: usage, help, names of commands, suggestions.
#include <algorithm>
#include <array>
#include <numeric>

#include "apps/hull/cli/command.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

bool has_word(std::string_view words, std::string_view wanted) {
    while (!words.empty()) {
        size_t space = words.find(' ');
        if (words.substr(0, space) == wanted) return true;
        words.remove_prefix(space == words.npos ? words.size() : space + 1);
    }
    return false;
}

std::string_view manager_of(const Command& c) {
    size_t space = c.path.find(' ');
    return space == c.path.npos ? std::string_view{} : c.path.substr(0, space);
}
std::string_view last_word(const Command& c) { return c.path.substr(c.path.rfind(' ') + 1); }

size_t terminal_width() {
    auto size = sys::terminal_size(BorrowedFd(1));
    return size && size->columns > 40 ? size->columns : 100;
}

// text in lines of at most `width`, the following ones indented.
void wrap(std::string& out, std::string_view text, size_t indent, size_t width) {
    size_t room = width > indent + 20 ? width - indent : 20;
    while (text.size() > room) {
        size_t cut = text.rfind(' ', room);
        if (cut == text.npos) break;
        out.append(text.substr(0, cut)).append("\n").append(indent, ' ');
        text.remove_prefix(cut + 1);
    }
    out.append(text).append("\n");
}

std::string flag_head(const Flag& f) {
    std::string head = f.letter ? std::string("  -") + f.letter + ", --" : std::string("      --");
    head.append(f.name);
    if (f.type != FlagType::boolean) head.append(" ").append(f.type_name);
    return head;
}

bool worth_showing_initial(const Flag& f) {
    return !f.initial.empty() && f.initial != "0" && f.initial != "-1" && f.initial != "false";
}

std::string flag_lines(std::vector<const Flag*> flags) {
    std::erase_if(flags, [](const Flag* f) { return f->help.empty() || !f->alias_of.empty(); });
    std::ranges::sort(flags, {}, [](const Flag* f) { return f->name; });
    size_t indent = 0;
    for (const Flag* f : flags) indent = std::max(indent, flag_head(*f).size() + 3);
    std::string out;
    for (const Flag* f : flags) {
        std::string head = flag_head(*f);
        head.append(indent - head.size(), ' ');
        std::string help(f->help);
        if (worth_showing_initial(*f)) {
            bool quoted = f->type == FlagType::text;
            help.append(" (default ").append(quoted ? "\"" : "").append(f->initial).append(quoted ? "\")" : ")");
        }
        out += head;
        wrap(out, help, indent, terminal_width());
    }
    return out;
}

std::string name_lines(const std::vector<std::pair<std::string_view, std::string_view>>& names) {
    size_t width = 0;
    for (const auto& [name, summary] : names) width = std::max(width, name.size());
    std::string out;
    for (const auto& [name, summary] : names)
        out.append("  ").append(name).append(width - name.size() + 2, ' ').append(summary).append("\n");
    return out;
}

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i);
        for (size_t j = 1; j <= b.size(); ++j) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row.back();
}

} // namespace

Found find_command(std::span<const std::string> words) {
    Found found;
    if (words.empty()) return found;
    for (const Command& c : commands())
        if (words[0] == c.shortcut || (manager_of(c).empty() && words[0] == c.path)) return {&c, nullptr, 1};
    for (const Manager& m : managers())
        if (words[0] == m.name) found.manager = &m;
    if (!found.manager || words.size() < 2) return found;
    for (const Command& c : commands())
        if (manager_of(c) == words[0] && (last_word(c) == words[1] || has_word(c.aliases, words[1])))
            return {&c, found.manager, 2};
    return found;
}

std::string display_name(const Command& c) { return "hull " + std::string(c.shortcut.empty() ? c.path : c.shortcut); }

std::string usage_line(const Command& c) {
    std::string out = display_name(c);
    if (!c.flags.empty() || !c.more_flags.empty()) out += " [OPTIONS]";
    if (!c.operands.empty()) out.append(" ").append(c.operands);
    return out;
}

std::string help_text(const Command& c) {
    std::string out = "Usage:  " + usage_line(c) + "\n\n" + std::string(c.summary) + "\n";
    std::string names;
    if (!c.shortcut.empty() || !c.aliases.empty()) {
        names = "hull " + std::string(c.path);
        std::string_view rest = c.aliases;
        while (!rest.empty()) {
            size_t space = rest.find(' ');
            names.append(", hull ").append(manager_of(c)).append(" ").append(rest.substr(0, space));
            rest.remove_prefix(space == rest.npos ? rest.size() : space + 1);
        }
        if (!c.shortcut.empty() && c.shortcut != c.path) names.append(", hull ").append(c.shortcut);
        out += "\nAliases:\n  " + names + "\n";
    }
    std::vector<const Flag*> flags;
    for (auto table : {c.flags, c.more_flags})
        for (const Flag& f : table) flags.push_back(&f);
    std::string lines = flag_lines(std::move(flags));
    if (!lines.empty()) out += "\nOptions:\n" + lines;
    return out;
}

std::string help_text(const Manager& m) {
    std::vector<std::pair<std::string_view, std::string_view>> names;
    for (const Command& c : commands())
        if (manager_of(c) == m.name) names.emplace_back(last_word(c), c.summary);
    std::ranges::sort(names);
    std::string name = "hull " + std::string(m.name);
    return "Usage:  " + name + " COMMAND\n\n" + std::string(m.summary) + "\n\nCommands:\n" + name_lines(names) +
           "\nRun '" + name + " COMMAND --help' for more information on a command.\n";
}

std::string top_help() {
    constexpr std::array common{"run", "exec", "ps", "images", "version", "info"};
    std::vector<std::pair<std::string_view, std::string_view>> first, manage, rest;
    for (const char* name : common)
        for (const Command& c : commands())
            if (c.shortcut == name) first.emplace_back(c.shortcut, c.summary);
    for (const Manager& m : managers()) manage.emplace_back(m.name, m.summary);
    for (const Command& c : commands())
        if (!c.shortcut.empty() && std::ranges::find(common, c.shortcut) == common.end())
            rest.emplace_back(c.shortcut, c.summary);
    std::ranges::sort(rest);
    std::vector<const Flag*> flags;
    for (const Flag& f : global_flags()) flags.push_back(&f);
    return "Usage:  hull [OPTIONS] COMMAND\n\nRun applications in containers, fast and safe without a flag\n\nCommon "
           "Commands:\n" +
           name_lines(first) + "\nManagement Commands:\n" + name_lines(manage) + "\nCommands:\n" + name_lines(rest) +
           "\nGlobal Options:\n" + flag_lines(std::move(flags)) +
           "\nRun 'hull COMMAND --help' for more information on a command.\n";
}

std::vector<std::string> suggestions(std::string_view word, const Manager* manager) {
    std::vector<std::pair<size_t, std::string>> close;
    auto consider = [&](std::string_view name) {
        size_t distance = edit_distance(word, name);
        if ((distance <= 2 && distance * 2 <= word.size()) || (word.size() >= 2 && name.starts_with(word)))
            close.emplace_back(distance, name);
    };
    for (const Command& c : commands()) {
        if (manager) {
            if (manager_of(c) == manager->name) consider(last_word(c));
        } else if (!c.shortcut.empty()) {
            consider(c.shortcut);
        }
    }
    if (!manager)
        for (const Manager& m : managers()) consider(m.name);
    std::ranges::stable_sort(close);
    std::vector<std::string> out;
    for (size_t i = 0; i < close.size() && i < 3; ++i) out.push_back(close[i].second);
    return out;
}

} // namespace hull::cli
