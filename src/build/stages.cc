#include "build/stages.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "image/words.h"

namespace hull::build {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::vector<std::string> blank_separated(std::string_view text) {
    std::vector<std::string> words;
    for (size_t at = 0; at < text.size();) {
        size_t begin = text.find_first_not_of(" \t", at);
        if (begin == text.npos) break;
        size_t end = std::min(text.find_first_of(" \t", begin), text.size());
        words.emplace_back(text.substr(begin, end - begin));
        at = end;
    }
    return words;
}

const std::optional<std::string>* given_value(const GivenArgs& given, std::string_view name) {
    for (const auto& [key, value] : given)
        if (key == name) return &value;
    return nullptr;
}

class Planner {
public:
    Planner(const Dockerfile& file, const GivenArgs& given, const model::StringList& platform_args)
        : file_(file), given_(given), scope_(platform_args) {}

    Result<void> take(const Instruction& instruction) {
        if (instruction.keyword == "FROM") return add_stage(instruction);
        if (!plan_.stages.empty()) {
            plan_.stages.back().steps.push_back(&instruction);
            return {};
        }
        if (instruction.keyword != "ARG")
            return invalid("no build stage in current context: " + instruction.keyword + " before FROM");
        plan_.global_instructions.push_back(&instruction);
        auto words = TRY(image::split_words(instruction.rest, scope_, file_.directives.escape));
        for (const std::string& word : words) {
            size_t equals = word.find('=');
            std::string name = word.substr(0, equals);
            auto* value = given_value(given_, name);
            std::optional<std::string> text;
            if (value && *value)
                text = **value;
            else if (equals != word.npos)
                text = word.substr(equals + 1);
            if (!text) continue;
            scope_.insert(scope_.begin(), name + "=" + *text);
            plan_.global_args.insert(plan_.global_args.begin(), name + "=" + *text);
        }
        return {};
    }

    Result<StagePlan> finish(const std::string& target) {
        if (plan_.stages.empty()) return invalid("no build stage in current context: there is no FROM");
        plan_.target = plan_.stages.size() - 1;
        if (!target.empty()) {
            auto found = find_stage(plan_.stages, target, plan_.stages.size());
            if (!found) return invalid("target stage \"" + target + "\" could not be found");
            plan_.target = *found;
        }
        need(plan_.target);
        plan_.steps = plan_.global_instructions.size();
        for (const Stage& stage : plan_.stages)
            if (stage.needed) plan_.steps += 1 + stage.steps.size();
        return std::move(plan_);
    }

private:
    Result<void> add_stage(const Instruction& instruction) {
        auto words = blank_separated(instruction.rest);
        Stage stage;
        stage.from = &instruction;
        if (words.size() == 3 && lower(words[1]) == "as") {
            stage.name = lower(words[2]);
            bool starts_well = std::isalpha(static_cast<unsigned char>(stage.name.front()));
            bool fits = std::ranges::all_of(
                stage.name, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; });
            if (!starts_well || !fits)
                return invalid("invalid name for build stage: \"" + words[2] +
                               "\", name can't start with a number or contain symbols");
        } else if (words.size() != 1) {
            return invalid("FROM requires either one or three arguments");
        }
        stage.base = TRY(image::expand_word(words[0], scope_, file_.directives.escape));
        if (stage.base.empty()) return invalid("base name (" + words[0] + ") should not be blank");
        if (const Flag* flag = find_flag(instruction, "platform")) {
            stage.platform = TRY(image::expand_word(flag->value, scope_, file_.directives.escape));
            if (stage.platform.empty()) return invalid("FROM --platform is empty: " + flag->value);
        }
        for (size_t i = plan_.stages.size(); i-- > 0 && !stage.base_stage;)
            if (!plan_.stages[i].name.empty() && plan_.stages[i].name == lower(stage.base)) stage.base_stage = i;
        plan_.stages.push_back(std::move(stage));
        return {};
    }

    void need(size_t index) {
        Stage& stage = plan_.stages[index];
        if (stage.needed) return;
        stage.needed = true;
        if (stage.base_stage) need(*stage.base_stage);
        for (const Instruction* step : stage.steps)
            for (const Flag& flag : step->flags) {
                if (flag.name == "from") need_named(flag.value, index);
                if (flag.name != "mount") continue;
                for (size_t begin = 0; begin <= flag.value.size();) {
                    size_t end = std::min(flag.value.find(',', begin), flag.value.size());
                    std::string part = flag.value.substr(begin, end - begin);
                    if (part.starts_with("from=")) need_named(part.substr(5), index);
                    begin = end + 1;
                }
            }
    }
    void need_named(const std::string& name, size_t before) {
        if (auto found = find_stage(plan_.stages, name, before)) need(*found);
    }

    const Dockerfile& file_;
    const GivenArgs& given_;
    model::StringList scope_;
    StagePlan plan_;
};

} // namespace

Result<StagePlan> plan_stages(const Dockerfile& file, const std::string& target, const GivenArgs& given,
                              const model::StringList& platform_args) {
    Planner planner(file, given, platform_args);
    for (const Instruction& instruction : file.instructions) {
        auto taken = planner.take(instruction);
        if (!taken.ok()) return at_line(std::move(taken).error(), file, instruction);
    }
    return planner.finish(target);
}

std::optional<size_t> find_stage(const std::vector<Stage>& stages, const std::string& name, size_t before) {
    std::string wanted = lower(name);
    for (size_t i = std::min(before, stages.size()); i-- > 0;)
        if (!stages[i].name.empty() && stages[i].name == wanted) return i;
    size_t number = 0;
    auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    if (wanted.empty() || error != std::errc() || end != wanted.data() + wanted.size() || number >= before)
        return std::nullopt;
    return number;
}

bool is_predefined_arg(std::string_view name) {
    std::string word = lower(name);
    return word == "http_proxy" || word == "https_proxy" || word == "ftp_proxy" || word == "no_proxy" ||
           word == "all_proxy";
}

const Flag* find_flag(const Instruction& instruction, std::string_view name) {
    auto found = std::ranges::find(instruction.flags, name, &Flag::name);
    return found == instruction.flags.end() ? nullptr : &*found;
}

} // namespace hull::build
