#include "build/outline.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "codec/json.h"
#include "image/words.h"

namespace hull::build {

namespace {

std::string_view without_blanks(std::string_view text) {
    const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

class Outliner {
public:
    Outliner(const Dockerfile& file, const StagePlan& plan, const GivenArgs& given, const model::StringList& known)
        : file_(file), plan_(plan), given_(given), scope_(known) {}

    Result<Outline> run() {
        const Stage& target = plan_.stages[plan_.target];
        out_.name = target.name;
        out_.description = description_of(file_, *target.from, target.name);
        TRY(take_globals());
        for (const Stage& stage : plan_.stages) {
            if (!stage.needed) continue;
            use_globals(stage.from->rest);
            for (const Flag& flag : stage.from->flags) use_globals(flag.value);
            TRY(take_stage(stage));
        }
        std::ranges::stable_sort(out_.arguments, {}, &Outline::Argument::line);
        return std::move(out_);
    }

private:
    // "NAME", "NAME=text": the value that a build would have, when there is one.
    Result<std::optional<std::string>> value_of(std::string_view word, const std::string& name,
                                                const model::StringList& env) {
        for (auto it = given_.rbegin(); it != given_.rend(); ++it)
            if (it->first == name && it->second) return std::optional(*it->second);
        const size_t equals = word.find('=');
        if (equals == word.npos) return std::optional<std::string>();
        return std::optional(TRY(image::expand_word(word.substr(equals + 1), env, file_.directives.escape)));
    }

    Result<void> take_globals() {
        for (const Instruction* instruction : plan_.global_instructions)
            for (std::string_view word : image::raw_words(instruction->rest, file_.directives.escape)) {
                const std::string name(word.substr(0, word.find('=')));
                auto value = TRY(value_of(word, name, scope_));
                if (value) scope_.insert(scope_.begin(), name + "=" + *value);
                globals_[name] = {name, value.value_or(""), description_of(file_, *instruction, name),
                                  instruction->line};
            }
        return {};
    }

    void use_globals(std::string_view text) {
        for (size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
            const size_t begin = text.substr(at + 1).starts_with('{') ? at + 2 : at + 1;
            const size_t length = static_cast<size_t>(
                std::ranges::find_if_not(text.substr(begin),
                                         [](unsigned char c) { return std::isalnum(c) || c == '_'; }) -
                text.substr(begin).begin());
            auto found = globals_.find(std::string(text.substr(begin, length)));
            if (found != globals_.end()) add(found->second);
        }
    }
    // The first that says it, unless a later one says more.
    void add(const Outline::Argument& argument) {
        auto found = std::ranges::find(out_.arguments, argument.name, &Outline::Argument::name);
        if (found == out_.arguments.end()) return out_.arguments.push_back(argument);
        if (found->description.empty()) found->description = argument.description;
        if (found->value.empty()) found->value = argument.value;
    }

    Result<void> take_stage(const Stage& stage) {
        model::StringList env = scope_;
        for (const Instruction* step : stage.steps) {
            if (step->keyword == "ARG") TRY(take_arguments(*step, env));
            if (step->keyword != "RUN") continue;
            for (const Flag& flag : step->flags)
                if (flag.name == "mount") TRY(take_mount(*step, flag.value, env));
        }
        return {};
    }

    Result<void> take_arguments(const Instruction& step, model::StringList& env) {
        for (std::string_view word : image::raw_words(step.rest, file_.directives.escape)) {
            const std::string name(word.substr(0, word.find('=')));
            auto value = TRY(value_of(word, name, env));
            Outline::Argument argument{name, value.value_or(""), description_of(file_, step, name), step.line};
            if (auto global = globals_.find(name); global != globals_.end() && word.find('=') == word.npos) {
                if (argument.value.empty()) argument.value = global->second.value;
                if (argument.description.empty()) argument.description = global->second.description;
            }
            if (value) env.insert(env.begin(), name + "=" + *value);
            add(argument);
        }
        return {};
    }

    Result<void> take_mount(const Instruction& step, const std::string& text, const model::StringList& env) {
        std::map<std::string, std::string> fields;
        for (size_t begin = 0; begin <= text.size();) {
            const size_t end = std::min(text.find(',', begin), text.size());
            const std::string part = text.substr(begin, end - begin);
            begin = end + 1;
            const size_t equals = part.find('=');
            std::string value = equals == part.npos ? "true" : part.substr(equals + 1);
            fields[part.substr(0, equals)] = TRY(image::expand_word(value, env, file_.directives.escape));
        }
        for (const char* name : {"dst", "destination"})
            if (fields.contains(name)) fields["target"] = fields[name];
        const std::string& type = fields["type"];
        std::string id = fields["id"];
        if (id.empty() && type == "secret") id = fields["target"].substr(fields["target"].rfind('/') + 1);
        if (id.empty() && type == "ssh") id = "default";
        if (id.empty() && type == "cache") id = fields["target"];
        const bool required = fields["required"] == "true" || fields["required"] == "1";
        auto* list = type == "secret" ? &out_.secrets : type == "ssh" ? &out_.agents : &out_.caches;
        if (id.empty() || (type != "secret" && type != "ssh" && type != "cache")) return {};
        auto found = std::ranges::find(*list, id, &Outline::Need::name);
        if (found == list->end())
            list->push_back({id, required, step.line});
        else
            found->required |= required;
        return {};
    }

    const Dockerfile& file_;
    const StagePlan& plan_;
    const GivenArgs& given_;
    model::StringList scope_;
    std::map<std::string, Outline::Argument> globals_;
    Outline out_;
};

} // namespace

std::vector<std::string> comment_before(const Dockerfile& file, const Instruction& instruction) {
    std::vector<std::string> lines;
    for (size_t at = static_cast<size_t>(instruction.line) - 1; at-- > 0;) {
        const std::string_view line = without_blanks(file.lines[at]);
        if (!line.starts_with('#')) break;
        const std::string_view text = without_blanks(line.substr(1));
        if (text.empty()) break;
        lines.emplace(lines.begin(), text);
    }
    return lines;
}

std::string description_of(const Dockerfile& file, const Instruction& instruction, const std::string& name) {
    if (name.empty()) return "";
    for (const std::string& line : comment_before(file, instruction))
        if (line.size() > name.size() && line[name.size()] == ' ' &&
            std::ranges::equal(line.substr(0, name.size()), name,
                               [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); }))
            return line.substr(name.size() + 1);
    return "";
}

Result<Outline> outline_of(const Dockerfile& file, const StagePlan& plan, const GivenArgs& given,
                           const model::StringList& platform_args) {
    return Outliner(file, plan, given, platform_args).run();
}

std::string Outline::as_json() const {
    auto location = [](json::Object entry, int line) {
        entry["location"] = json::Object{{"ranges", json::Array{json::Object{{"start", json::Object{{"line", line}}},
                                                                             {"end", json::Object{{"line", line}}}}}}};
        return entry;
    };
    auto needs = [&](const std::vector<Need>& list, const char* key) {
        json::Array entries;
        for (const Need& need : list) {
            json::Object entry{{key, need.name}};
            if (need.required) entry["required"] = true;
            entries.push_back(location(std::move(entry), need.line));
        }
        return entries;
    };
    json::Object whole;
    if (!name.empty()) whole["name"] = name;
    if (!description.empty()) whole["description"] = description;
    json::Array args;
    for (const Argument& argument : arguments) {
        json::Object entry{{"name", argument.name}};
        if (!argument.description.empty()) entry["description"] = argument.description;
        if (!argument.value.empty()) entry["value"] = argument.value;
        args.push_back(location(std::move(entry), argument.line));
    }
    if (!args.empty()) whole["args"] = args;
    if (!secrets.empty()) whole["secrets"] = needs(secrets, "name");
    if (!agents.empty()) whole["ssh"] = needs(agents, "name");
    if (!caches.empty()) whole["cache"] = needs(caches, "ID");
    return json::print(whole);
}

std::string targets_json(const Dockerfile& file, const StagePlan& plan) {
    json::Array targets;
    for (size_t i = 0; i < plan.stages.size(); ++i) {
        const Stage& stage = plan.stages[i];
        const bool last = i + 1 == plan.stages.size();
        if (stage.name.empty() && !last) continue;
        json::Object entry;
        if (!stage.name.empty()) entry["name"] = stage.name;
        if (last) entry["default"] = true;
        if (std::string text = description_of(file, *stage.from, stage.name); !text.empty())
            entry["description"] = text;
        entry["base"] = stage.base;
        if (!stage.platform.empty()) entry["platform"] = stage.platform;
        targets.emplace_back(std::move(entry));
    }
    return json::print(json::Object{{"targets", targets}});
}

} // namespace hull::build
