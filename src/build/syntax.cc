#include "build/syntax.h"

#include <algorithm>
#include <array>

#include "image/changes.h"
#include "image/words.h"

namespace hull::build {

namespace {

using Words = std::span<const std::string_view>;

constexpr auto from_flags = std::to_array<std::string_view>({"platform"});
constexpr auto run_flags = std::to_array<std::string_view>({"mount", "network", "security", "device"});
constexpr auto copy_flags = std::to_array<std::string_view>({"from", "chown", "chmod", "link", "parents", "exclude"});
constexpr auto add_flags =
    std::to_array<std::string_view>({"chown", "chmod", "link", "exclude", "checksum", "unpack", "keep-git-dir"});

Words flags_of(std::string_view keyword) {
    if (keyword == "FROM") return from_flags;
    if (keyword == "RUN") return run_flags;
    if (keyword == "COPY") return copy_flags;
    if (keyword == "ADD") return add_flags;
    return {};
}

// What is wrong, and the word that it is about; nothing: the whole instruction.
struct Wrong {
    Error error;
    std::string word;
};
using Found = std::optional<Wrong>;

Found unknown_flag(const Instruction& instruction) {
    Words known = flags_of(instruction.keyword);
    for (const Flag& flag : instruction.flags) {
        if (std::ranges::find(known, flag.name) != known.end()) continue;
        std::string what = "unknown flag: --" + flag.name + " of " + instruction.keyword;
        std::string all;
        for (std::string_view name : known) all += (all.empty() ? "--" : ", --") + std::string(name);
        if (auto word = did_you_mean(flag.name, known))
            what += " (did you mean " + *word + "?)";
        else
            what += known.empty() ? " (it has none)" : " (it has " + all + ")";
        return Wrong{invalid(what), "--" + flag.name};
    }
    return std::nullopt;
}

size_t words_in(const Instruction& instruction, char escape) {
    if (auto list = exec_form(instruction.rest)) return list->size();
    return image::raw_words(instruction.rest, escape).size();
}

Found wrong_arguments(const Instruction& instruction, char escape) {
    const std::string& name = instruction.keyword;
    auto wrong = [&](const std::string& what) { return Wrong{invalid(name + " " + what), ""}; };
    if (name == "COPY" || name == "ADD") {
        size_t words = words_in(instruction, escape);
        if (words == 0) return wrong("requires at least two arguments");
        if (words == 1)
            return wrong("requires at least two arguments, but only one was provided. Destination could not be "
                         "determined.");
    } else if (name == "RUN") {
        if (instruction.rest.empty() || words_in(instruction, escape) == 0)
            return wrong("requires at least one argument");
    } else if (name == "MAINTAINER") {
        if (instruction.rest.empty()) return wrong("requires exactly one argument");
    } else if (name == "SHELL") {
        auto shell = exec_form(instruction.rest);
        if (!shell || shell->empty()) return wrong("requires the arguments to be in JSON form");
    } else if (name == "ARG") {
        auto words = image::raw_words(instruction.rest, escape);
        if (words.empty()) return wrong("requires at least one argument");
        for (std::string_view word : words)
            if (word.starts_with('=')) return Wrong{invalid("ARG names can not be blank"), std::string(word)};
    } else if (name != "FROM") {
        auto fits = image::check_instruction(name, instruction.rest, escape);
        if (!fits.ok()) return Wrong{std::move(fits).error(), ""};
    }
    return std::nullopt;
}

} // namespace

Result<void> check_syntax(const Dockerfile& file) {
    for (const Instruction& instruction : file.instructions) {
        Found found = unknown_flag(instruction);
        if (!found) found = wrong_arguments(instruction, file.directives.escape);
        if (found) return at_line(std::move(found->error), file, instruction, found->word);
    }
    return {};
}

} // namespace hull::build
