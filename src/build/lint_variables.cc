#include "build/lint_variables.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "image/words.h"

namespace hull::build {

namespace {

// Those whose words the builder expands, and that stand in a stage.
constexpr std::array<std::string_view, 10> expanded_instructions = {"ADD",   "ARG",        "COPY", "ENV",    "EXPOSE",
                                                                    "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"};

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// What ARG or ENV gives names to.
std::vector<std::string> defined_names(const Instruction& instruction, char escape) {
    std::vector<std::string> names;
    for (std::string_view word : image::raw_words(instruction.rest, escape)) {
        names.emplace_back(word.substr(0, word.find('=')));
        const bool with_blank = instruction.keyword == "ENV" && word.find('=') == word.npos; // ENV name value
        if (with_blank) break;
    }
    return names;
}

class StageVariables {
public:
    StageVariables(const StagePlan& plan, char escape, const BaseVariables& base)
        : plan_(plan), escape_(escape), base_(base), known_(plan.stages.size()) {}

    std::vector<UndefinedVariable> all() {
        for (size_t i = 0; i < plan_.stages.size(); ++i) check(i);
        return std::move(found_);
    }

private:
    using Names = std::optional<std::set<std::string>>; // nullopt: there may be any

    Names names_before(const Stage& stage) const {
        if (stage.base_stage) return known_[*stage.base_stage];
        std::set<std::string> names{"PATH"};
        if (stage.base == "scratch") return names;
        auto env = base_(stage);
        if (!env) return std::nullopt;
        for (const std::string& entry : *env) names.insert(entry.substr(0, entry.find('=')));
        return names;
    }

    void check(size_t index) {
        const Stage& stage = plan_.stages[index];
        Names names = names_before(stage);
        if (!names) return; // nor of those that stand on it
        for (const Instruction* step : stage.steps) {
            if (std::ranges::find(expanded_instructions, step->keyword) == expanded_instructions.end()) continue;
            std::vector<std::string> added;
            if (step->keyword == "ARG" || step->keyword == "ENV") added = defined_names(*step, escape_);
            if (step->keyword == "ARG") names->insert(added.begin(), added.end());
            check(*step, *names);
            names->insert(added.begin(), added.end());
        }
        known_[index] = std::move(names);
    }

    void check(const Instruction& step, const std::set<std::string>& names) {
        std::set<std::string> told;
        std::string text = step.rest;
        for (const Flag& flag : step.flags) text += "\n" + flag.value;
        for (const std::string& name : plain_variables(text, escape_)) {
            if (names.contains(name) || is_predefined_arg(name) || !told.insert(name).second) continue;
            const std::vector<std::string_view> views(names.begin(), names.end());
            found_.push_back({&step, name, did_you_mean(name, views)});
        }
    }

    const StagePlan& plan_;
    const char escape_;
    const BaseVariables& base_;
    std::vector<Names> known_; // after each stage
    std::vector<UndefinedVariable> found_;
};

} // namespace

std::vector<std::string> plain_variables(std::string_view text, char escape) {
    std::vector<std::string> names;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == escape && quote != '\'') {
            ++i;
            continue;
        }
        if (quote == 0 && (c == '\'' || c == '"'))
            quote = c;
        else if (c == quote)
            quote = 0;
        if (c != '$' || quote == '\'' || i + 1 == text.size()) continue;
        const bool braces = text[i + 1] == '{';
        const size_t begin = i + (braces ? 2 : 1);
        size_t end = begin;
        while (end < text.size() && is_name_char(text[end])) ++end;
        if (end > begin && (!braces || (end < text.size() && text[end] == '}')))
            names.emplace_back(text.substr(begin, end - begin));
    }
    return names;
}

std::vector<UndefinedVariable> undefined_variables(const StagePlan& plan, char escape, const BaseVariables& base) {
    return StageVariables(plan, escape, base).all();
}

} // namespace hull::build
