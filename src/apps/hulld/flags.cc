#include "apps/hulld/flags.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace hull {

namespace {

using enum FlagKind;

constexpr std::string_view see_help = "\nSee 'hulld --help'.";

Error usage_error(std::string text) { return Error(ErrorKind::invalid_argument, text.append(see_help)); }

std::string spelled(const Flag& flag) {
    std::string text;
    if (flag.letter) text = std::string("-") + flag.letter + ", ";
    return text.append("--").append(flag.name);
}

bool is_boolean(std::string_view text) {
    static constexpr std::string_view known[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                                 "0", "f", "F", "false", "FALSE", "False"};
    return std::find(std::begin(known), std::end(known), text) != std::end(known);
}

Result<void> check_flag(const Flag& flag, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        std::string start = "invalid argument \"" + value + "\" for \"" + spelled(flag) + "\" flag: ";
        if (flag.kind == boolean && !is_boolean(value))
            return usage_error(start + "strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
        if (flag.kind == number &&
            (value.empty() || value.size() > 9 || value.find_first_not_of("0123456789", value[0] == '-') != value.npos))
            return usage_error(start + "strconv.ParseInt: parsing \"" + value + "\": invalid syntax");
    }
    return {};
}

std::string joined(const std::vector<std::string>& values) {
    if (values.size() == 1) return values.front();
    std::string text = "[";
    for (const std::string& value : values) text.append(text.size() > 1 ? " " : "").append(value);
    return text + "]";
}

} // namespace

Result<FlagValues> parse_command_line(const std::vector<std::string>& args) {
    CLI::App app;
    app.set_help_flag(); // --help is one of ours
    std::map<std::string_view, std::vector<std::string>> found;
    for (const Flag& flag : flags()) {
        auto& into = found[flag.name];
        std::string names = "--" + std::string(flag.name);
        if (flag.letter) names += std::string(",-") + flag.letter;
        if (flag.kind == boolean)
            app.add_flag(names);
        else
            app.add_option(names, into)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    app.allow_extras();
    std::vector<std::string> reversed(args.rbegin(), args.rend()); // what parse(vector) wants
    try {
        app.parse(reversed);
    } catch (const CLI::ArgumentMismatch& e) {
        std::string name(e.what());
        return usage_error("flag needs an argument: " + name.substr(0, name.find(':')));
    } catch (const CLI::Error& e) {
        return usage_error(e.what());
    }
    for (const std::string& extra : app.remaining()) {
        if (!extra.starts_with('-')) return usage_error("\"hulld\" accepts no argument(s).");
        if (extra.starts_with("--")) return usage_error("unknown flag: " + extra.substr(0, extra.find('=')));
        return usage_error(std::string("unknown shorthand flag: '") + extra[1] + "' in " + extra);
    }
    FlagValues values;
    for (const Flag& flag : flags()) {
        const CLI::Option* option = app.get_option("--" + std::string(flag.name));
        if (option->count() == 0) continue;
        auto& out = values[std::string(flag.name)];
        out = option->results();
        if (flag.kind != list && flag.kind != map) out = {out.back()}; // the last one wins, as everywhere
        TRY(check_flag(flag, out));
    }
    return values;
}

Result<FlagValues> merge(const FlagValues& from_flags, const FlagValues& from_file) {
    std::string twice;
    FlagValues all = from_flags;
    for (const auto& [name, values] : from_file) {
        auto given = from_flags.find(name);
        if (given == from_flags.end()) {
            all[name] = values;
            continue;
        }
        auto flag = std::ranges::find(flags(), std::string_view(name), &Flag::name);
        twice.append(twice.empty() ? "" : ", ").append(key_of(*flag));
        twice += ": (from flag: " + joined(given->second) + ", from file: " + joined(values) + ")";
    }
    if (!twice.empty())
        return Error(ErrorKind::invalid_argument,
                     "the following directives are specified both as a flag and in the configuration file: " + twice);
    return all;
}

std::string usage() {
    static constexpr std::string_view kinds[] = {"", " string", " int", " list", " map"};
    std::string text = "Usage:  hulld [OPTIONS]\n\nThe engine of Hull: images, containers, and Docker's Engine API.\n\n"
                       "Options:\n";
    for (const Flag& flag : flags()) {
        if (flag.help.empty()) continue; // only there to be refused with a reason
        std::string line = flag.letter ? std::string("  -") + flag.letter + ", --" : "      --";
        line.append(flag.name).append(kinds[static_cast<size_t>(flag.kind)]);
        line.append(line.size() < 34 ? 34 - line.size() : 1, ' ').append(flag.help);
        if (!flag.default_text.empty()) line.append(" (default ").append(flag.default_text).append(")");
        text.append(line).append("\n");
    }
    return text;
}

} // namespace hull
