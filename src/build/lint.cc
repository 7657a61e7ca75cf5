#include "build/lint.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "build/outline.h"
#include "image/words.h"

namespace hull::build {

namespace {

struct Rule {
    std::string_view name, page, description;
};
constexpr std::array<Rule, 21> rules{{
    {"StageNameCasing", "stage-name-casing", "Stage names should be lowercase"},
    {"FromAsCasing", "from-as-casing", "The 'as' keyword should match the case of the 'from' keyword"},
    {"NoEmptyContinuation", "no-empty-continuation", "Empty continuation lines will become errors in a future release"},
    {"ConsistentInstructionCasing", "consistent-instruction-casing",
     "All commands within the Dockerfile should use the same casing (either upper or lower)"},
    {"DuplicateStageName", "duplicate-stage-name", "Stage names should be unique"},
    {"ReservedStageName", "reserved-stage-name", "Reserved words should not be used as stage names"},
    {"JSONArgsRecommended", "json-args-recommended",
     "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals"},
    {"MaintainerDeprecated", "maintainer-deprecated",
     "The MAINTAINER instruction is deprecated, use a label instead to define an image author"},
    {"UndefinedArgInFrom", "undefined-arg-in-from", "FROM command must use declared ARGs"},
    {"WorkdirRelativePath", "workdir-relative-path",
     "Relative workdir without an absolute workdir declared within the build can have unexpected results if the "
     "base image changes"},
    {"MultipleInstructionsDisallowed", "multiple-instructions-disallowed",
     "Multiple instructions of the same type should not be used in the same stage"},
    {"LegacyKeyValueFormat", "legacy-key-value-format",
     "Legacy key/value format with whitespace separator should not be used"},
    {"RedundantTargetPlatform", "redundant-target-platform",
     "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior"},
    {"SecretsUsedInArgOrEnv", "secrets-used-in-arg-or-env",
     "Sensitive data should not be used in the ARG or ENV commands"},
    {"InvalidDefaultArgInFrom", "invalid-default-arg-in-from",
     "Default value for global ARG results in an empty or invalid base image name"},
    {"FromPlatformFlagConstDisallowed", "from-platform-flag-const-disallowed",
     "FROM --platform flag should not use a constant value"},
    {"CopyIgnoredFile", "copy-ignored-file", "Attempting to Copy file that is excluded by .dockerignore"},
    {"ExposeProtoCasing", "expose-proto-casing", "Protocol in EXPOSE instruction should be lowercase"},
    {"ExposeInvalidFormat", "expose-invalid-format",
     "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a "
     "future release"},
    {"UndefinedVar", "undefined-var", "Variables should be defined before their use"},
    {"InvalidDefinitionDescription", "invalid-definition-description",
     "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not "
     "intended to be a description comment, add an empty line or comment between the instruction and the comment."},
}};

const Rule* rule_of(std::string_view name) {
    auto found = std::ranges::find(rules, name, &Rule::name);
    return found == rules.end() ? nullptr : &*found;
}

std::string in_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}
bool has_upper(std::string_view text) { return in_lower(text) != text; }
bool has_lower(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return std::islower(c); });
}

std::vector<std::string> lint_words(std::string_view text) {
    std::vector<std::string> words;
    for (size_t at = 0; at < text.size();) {
        size_t begin = text.find_first_not_of(" \t", at);
        if (begin == text.npos) break;
        at = std::min(text.find_first_of(" \t", begin), text.size());
        words.emplace_back(text.substr(begin, at - begin));
    }
    return words;
}

std::string written_keyword(const Instruction& instruction) {
    return instruction.original.substr(0, instruction.keyword.size());
}

// Names that hold secrets, word by word, as BuildKit has them.
bool sounds_secret(const std::string& name) {
    static const std::set<std::string, std::less<>> words = {"apikey",   "auth",  "credential", "credentials", "key",
                                                             "password", "pword", "passwd",     "secret",      "token"};
    std::string lower = in_lower(name);
    bool secret = false;
    for (size_t begin = 0; begin <= lower.size();) {
        size_t end = std::min(lower.find_first_of("_-", begin), lower.size());
        std::string word = lower.substr(begin, end - begin);
        if (word == "public") return false;
        secret |= words.contains(word);
        begin = end + 1;
    }
    return secret;
}

class Linter {
public:
    Linter(const Dockerfile& file, const StagePlan& plan, const LintSurroundings& around, const LintSettings& settings)
        : file_(file), plan_(plan), around_(around), ignored_(around.ignored), known_(around.known),
          settings_(settings) {}

    std::vector<LintWarning> run() {
        check_casing();
        for (const Instruction& instruction : file_.instructions) {
            check_continuation(instruction);
            check(instruction);
        }
        for (const Instruction* instruction : plan_.global_instructions)
            for (const std::string& word : lint_words(instruction->rest))
                globals_[word.substr(0, word.find('='))] = word.find('=') != word.npos;
        std::set<std::string> names;
        for (const Stage& stage : plan_.stages) check_stage(stage, names);
        for (const auto& [instruction, name, meant] :
             undefined_variables(plan_, file_.directives.escape, around_.base_variables))
            say("UndefinedVar", *instruction,
                "Usage of undefined variable '$" + name + "'" + (meant ? " (did you mean $" + *meant + "?)" : ""));
        check_descriptions();
        std::ranges::stable_sort(found_, {}, &LintWarning::line);
        return std::move(found_);
    }

private:
    void say(std::string_view rule, const Instruction& at, std::string text) {
        for (const std::string& skipped : settings_.skip)
            if (in_lower(skipped) == "all" || in_lower(skipped) == in_lower(rule)) return;
        found_.push_back({std::string(rule), std::move(text), at.line, at.end_line});
    }

    // A comment right before ARG or FROM describes what is named there.
    void check_descriptions() {
        auto& wanted = settings_.experimental;
        if (std::ranges::none_of(wanted, [](const std::string& rule) {
                return in_lower(rule) == "all" || in_lower(rule) == "invaliddefinitiondescription";
            }))
            return;
        for (const Instruction& instruction : file_.instructions) {
            std::vector<std::string> names;
            auto words = lint_words(instruction.rest);
            if (instruction.keyword == "FROM" && words.size() == 3) names = {words[2]};
            if (instruction.keyword == "ARG")
                for (const std::string& word : words) names.push_back(word.substr(0, word.find('=')));
            const auto comment = comment_before(file_, instruction);
            if (names.empty() || comment.empty()) continue;
            const std::string first = comment.back().substr(0, comment.back().find(' '));
            if (std::ranges::find(names, first) != names.end()) continue;
            say("InvalidDefinitionDescription", instruction,
                "Comment for " + instruction.keyword + " should follow the format: `# " +
                    (names.size() > 1 ? "<arg_key>" : names[0]) + " <description>`");
        }
    }

    void check_casing() {
        size_t upper = 0, lower = 0;
        for (const Instruction& instruction : file_.instructions) {
            std::string keyword = written_keyword(instruction);
            if (!has_lower(keyword)) ++upper;
            if (!has_upper(keyword)) ++lower;
        }
        bool to_lower = lower > upper;
        for (const Instruction& instruction : file_.instructions) {
            std::string keyword = written_keyword(instruction);
            if (to_lower ? !has_upper(keyword) : !has_lower(keyword)) continue;
            say("ConsistentInstructionCasing", instruction,
                "Command '" + keyword + "' should match the case of the command majority (" +
                    (to_lower ? "lowercase" : "uppercase") + ")");
        }
    }

    void check_continuation(const Instruction& instruction) {
        if (!instruction.heredocs.empty()) return;
        for (int line = instruction.line; line < instruction.end_line; ++line) {
            const std::string& text = file_.lines[static_cast<size_t>(line) - 1];
            if (text.find_first_not_of(" \t\r") != text.npos) continue;
            return say("NoEmptyContinuation", instruction, "Empty continuation line");
        }
    }

    void check(const Instruction& instruction) {
        const std::string& name = instruction.keyword;
        if (name == "MAINTAINER")
            say("MaintainerDeprecated", instruction, "Maintainer instruction is deprecated in favor of using label");
        if (name == "EXPOSE") check_ports(instruction);
        if (name == "ENV" || name == "LABEL") check_pairs(instruction);
        if (name == "ENV" || name == "ARG") check_secrets(instruction);
        if ((name == "COPY" || name == "ADD") && !find_flag(instruction, "from")) check_sources(instruction);
    }

    void check_ports(const Instruction& instruction) {
        for (const std::string& port : lint_words(instruction.rest)) {
            std::string protocol = port.substr(std::min(port.find('/'), port.size()));
            if (has_upper(protocol) && protocol.find('$') == protocol.npos)
                say("ExposeProtoCasing", instruction,
                    "Defined protocol '" + port + "' in EXPOSE instruction should be lowercase");
            if (port.find(':') != port.npos && port.find('$') == port.npos)
                say("ExposeInvalidFormat", instruction,
                    "EXPOSE instruction should not define an IP address or host-port mapping, found '" + port + "'");
        }
    }

    void check_pairs(const Instruction& instruction) {
        auto words = lint_words(instruction.rest);
        if (words.size() < 2 || words[0].find('=') != words[0].npos) return;
        say("LegacyKeyValueFormat", instruction,
            "\"" + instruction.keyword + " key=value\" should be used instead of legacy \"" + instruction.keyword +
                " key value\" format");
    }

    void check_secrets(const Instruction& instruction) {
        auto words = lint_words(instruction.rest);
        bool legacy = instruction.keyword == "ENV" && !words.empty() && words[0].find('=') == words[0].npos;
        if (legacy) words.resize(1);
        for (const std::string& word : words) {
            size_t equals = word.find('=');
            if (equals == word.npos && !legacy && instruction.keyword == "ENV") continue;
            std::string key = word.substr(0, equals);
            if (sounds_secret(key))
                say("SecretsUsedInArgOrEnv", instruction,
                    "Do not use ARG or ENV instructions for sensitive data (" + instruction.keyword + " \"" + key +
                        "\")");
        }
    }

    void check_sources(const Instruction& instruction) {
        if (ignored_.empty()) return;
        auto words = exec_form(instruction.rest).value_or(lint_words(instruction.rest));
        if (!words.empty()) words.pop_back();
        for (const std::string& word : words) {
            if (word.find_first_of("$*?[\\<\"'") != word.npos || word.find("://") != word.npos) continue;
            std::string path = clean_relative(word);
            if (!path.empty() && ignored_.ignores(path) && !ignored_.may_take_back_below(path))
                say("CopyIgnoredFile", instruction,
                    "Attempting to " + std::string(instruction.keyword == "ADD" ? "Add" : "Copy") + " file \"" + word +
                        "\" that is excluded by .dockerignore");
        }
    }

    void check_stage(const Stage& stage, std::set<std::string>& names) {
        check_from(stage, names);
        bool absolute = false;
        std::map<std::string, size_t> seen;
        const Instruction* shell = nullptr;
        for (const Instruction* step : stage.steps) {
            const std::string& name = step->keyword;
            if (name == "SHELL") shell = step;
            if (name == "WORKDIR") {
                bool here = step->rest.starts_with('/') || step->rest.starts_with('$') || step->rest.starts_with('"');
                if (!here && !absolute)
                    say("WorkdirRelativePath", *step,
                        "Relative workdir \"" + step->rest +
                            "\" can have unexpected results if the base image changes");
                absolute |= here;
            }
            if ((name == "CMD" || name == "ENTRYPOINT") && !exec_form(step->rest) && !step->rest.empty() && !shell)
                say("JSONArgsRecommended", *step,
                    "JSON arguments recommended for " + name + " to prevent unintended behavior related to OS signals");
            if (name == "CMD" || name == "ENTRYPOINT" || name == "HEALTHCHECK") ++seen[name];
        }
        // All but the last of each are for nothing.
        for (const Instruction* step : stage.steps)
            if (auto it = seen.find(step->keyword); it != seen.end() && it->second-- > 1)
                say("MultipleInstructionsDisallowed", *step,
                    "Multiple " + step->keyword +
                        " instructions should not be used in the same stage because only the last one will be used");
    }

    void check_from(const Stage& stage, std::set<std::string>& names) {
        const Instruction& from = *stage.from;
        auto words = lint_words(from.rest);
        if (words.size() == 3) {
            std::string keyword = written_keyword(from);
            bool fits = has_lower(keyword) ? !has_upper(words[1]) : !has_lower(words[1]);
            if (!fits)
                say("FromAsCasing", from, "'" + words[1] + "' and '" + keyword + "' keywords' casing do not match");
            if (has_upper(words[2])) say("StageNameCasing", from, "Stage name '" + words[2] + "' should be lowercase");
            if (stage.name == "scratch" || stage.name == "context")
                say("ReservedStageName", from,
                    "Stage name should not use the same name as reserved stage \"" + stage.name + "\"");
            if (!names.insert(stage.name).second)
                say("DuplicateStageName", from,
                    "Duplicate stage name \"" + words[2] + "\", stage names should be unique");
        }
        if (const Flag* platform = find_flag(from, "platform")) {
            if (platform->value == "$TARGETPLATFORM" || platform->value == "${TARGETPLATFORM}")
                say("RedundantTargetPlatform", from,
                    "Setting platform to predefined " + platform->value +
                        " in FROM is redundant as this is the default behavior");
            else if (platform->value.find('$') == std::string::npos)
                say("FromPlatformFlagConstDisallowed", from,
                    "FROM --platform flag should not use constant value \"" + platform->value + "\"");
            check_arguments(from, platform->value);
        }
        if (!words.empty()) {
            check_arguments(from, words[0]);
            check_defaults(from, words[0]);
        }
    }

    void check_arguments(const Instruction& from, const std::string& text) {
        std::vector<std::string> names;
        for (const auto& [name, value] : globals_) names.push_back(name);
        for (const std::string& entry : known_) names.push_back(entry.substr(0, entry.find('=')));
        for (const std::string& name : plain_variables(text)) {
            if (std::ranges::find(names, name) != names.end()) continue;
            std::vector<std::string_view> views(names.begin(), names.end());
            auto meant = did_you_mean(name, views);
            say("UndefinedArgInFrom", from,
                "FROM argument '" + name + "' is not declared" + (meant ? " (did you mean " + *meant + "?)" : ""));
        }
    }

    // With no --build-arg at all: is there a name left?
    void check_defaults(const Instruction& from, const std::string& base) {
        auto names = plain_variables(base);
        if (names.empty() || !std::ranges::all_of(names, [&](const auto& name) { return globals_.contains(name); }))
            return;
        model::StringList env = known_;
        for (const Instruction* instruction : plan_.global_instructions) {
            auto words = image::split_words(instruction->rest, env, file_.directives.escape);
            if (!words.ok()) return;
            for (const std::string& word : *words)
                if (word.find('=') != word.npos) env.insert(env.begin(), word);
        }
        auto expanded = image::expand_word(base, env, file_.directives.escape);
        if (expanded.ok() && !expanded->empty() && model::Reference::parse(*expanded).ok()) return;
        say("InvalidDefaultArgInFrom", from,
            "Default value for ARG " + base + " results in empty or invalid base image name");
    }

    const Dockerfile& file_;
    const StagePlan& plan_;
    const LintSurroundings& around_;
    const IgnoreList& ignored_;
    const model::StringList& known_;
    const LintSettings& settings_;
    std::map<std::string, bool> globals_; // whether they have a default
    std::vector<LintWarning> found_;
};

} // namespace

std::string LintWarning::brief() const { return rule + ": " + text + " (line " + std::to_string(line) + ")"; }
std::string LintWarning::description() const {
    const Rule* known = rule_of(rule);
    return known ? std::string(known->description) : "";
}
std::string LintWarning::url() const {
    const Rule* known = rule_of(rule);
    return known ? "https://docs.docker.com/go/dockerfile/rule/" + std::string(known->page) + "/" : "";
}

Result<LintSettings> LintSettings::parse(const std::string& text) {
    LintSettings settings;
    for (size_t begin = 0; begin < text.size();) {
        size_t end = std::min(text.find(';', begin), text.size());
        std::string part = text.substr(begin, end - begin);
        begin = end + 1;
        std::erase_if(part, [](unsigned char c) { return std::isspace(c); });
        if (part.empty()) continue;
        size_t equals = part.find('=');
        std::string key = in_lower(part.substr(0, equals)), value = equals == part.npos ? "" : part.substr(equals + 1);
        if (key == "skip" || key == "experimental") {
            auto& rules_named = key == "skip" ? settings.skip : settings.experimental;
            for (size_t from = 0; from < value.size();) {
                size_t to = std::min(value.find(',', from), value.size());
                rules_named.push_back(value.substr(from, to - from));
                from = to + 1;
            }
        } else if (key == "error" && (value == "true" || value == "false")) {
            settings.error = value == "true";
        } else {
            return invalid("invalid check option \"" + part + "\": skip=<rules>, error=true, experimental=<rules>");
        }
    }
    return settings;
}

std::vector<LintWarning> lint(const Dockerfile& file, const StagePlan& plan, const LintSurroundings& around,
                              const LintSettings& settings) {
    return Linter(file, plan, around, settings).run();
}

} // namespace hull::build
