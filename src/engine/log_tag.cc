#include "engine/log_tag.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <vector>

namespace hull::engine {
namespace {

using model::ContainerSettings;

Error tag_error(const std::string& why) { return invalid("template: log-tag:1: " + why); }

std::string joined(const std::vector<std::string>& list, const std::string& separator) {
    std::string text;
    for (const std::string& one : list) text += (text.empty() ? "" : separator) + one;
    return text;
}

// Words of an action; a text in quotes is one word, with its first quote.
Result<std::vector<std::string>> tag_words(std::string_view text) {
    std::vector<std::string> words;
    for (size_t at = 0; at < text.size();) {
        char c = text[at];
        if (c == ' ' || c == '\t') {
            ++at;
        } else if (c == '|') {
            words.emplace_back("|");
            ++at;
        } else if (c == '"' || c == '`') {
            size_t end = text.find(c, at + 1);
            if (end == text.npos) return tag_error("unterminated quoted string");
            words.emplace_back(text.substr(at, end - at));
            at = end + 1;
        } else {
            size_t end = std::min(text.find_first_of(" \t|\"`", at), text.size());
            words.emplace_back(text.substr(at, end - at));
            at = end;
        }
    }
    return words;
}

bool is_quoted(const std::string& word) { return word.starts_with('"') || word.starts_with('`'); }

Result<std::string> field_value(const std::string& name, const ContainerSettings& settings) {
    constexpr size_t kShort = 12;
    if (name == ".ID") return settings.id.substr(0, kShort);
    if (name == ".FullID" || name == ".ContainerID") return settings.id;
    if (name == ".Name") return settings.name;
    if (name == ".ContainerName") return "/" + settings.name;
    if (name == ".ImageID") return settings.image_id.substr(0, kShort);
    if (name == ".ImageFullID" || name == ".ContainerImageID") return settings.image_id;
    if (name == ".ImageName" || name == ".ContainerImageName") return settings.config.image;
    if (name == ".DaemonName") return std::string("docker");
    if (name == ".Hostname") return settings.config.hostname;
    if (name == ".Command") {
        std::string rest = joined(settings.args, " ");
        return rest.empty() ? settings.path : settings.path + " " + rest;
    }
    if (name == ".ContainerEntrypoint") return settings.path;
    if (name == ".ContainerArgs") return "[" + joined(settings.args, " ") + "]";
    if (name == ".ContainerEnv") return "[" + joined(settings.config.env, " ") + "]";
    if (name == ".ContainerCreated") return to_rfc3339(settings.created);
    return tag_error("can't evaluate field " + name.substr(name.starts_with('.') ? 1 : 0) + " in type *logger.Info");
}

void case_of(std::string& text, const std::string& function) {
    bool first = true;
    for (char& c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (function == "lower") c = static_cast<char>(std::tolower(byte));
        if (function == "upper" || (function == "title" && first)) c = static_cast<char>(std::toupper(byte));
        first = c == ' ';
    }
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

// One command of a pipeline; input is what comes before its bar.
Result<std::string> run_command(const std::vector<std::string>& words, const std::string* input,
                                const ContainerSettings& settings) {
    const std::string& first = words.front();
    auto argument = [&](size_t at) -> Result<std::string> {
        if (at < words.size()) {
            if (is_quoted(words[at])) return words[at].substr(1);
            return words[at].starts_with('.') ? field_value(words[at], settings) : Result<std::string>(words[at]);
        }
        if (at == words.size() && input) return *input;
        return tag_error("wrong number of args for " + first);
    };
    if (first.starts_with('.') || is_quoted(first)) {
        if (words.size() > 1 || input) return tag_error("can't give argument to non-function " + first);
        return argument(0);
    }
    if (first == "index") {
        if (words.size() != 3 || words[1] != ".ContainerLabels" || !is_quoted(words[2]))
            return tag_error("index is for .ContainerLabels and a name in quotes");
        auto found = settings.config.labels.find(words[2].substr(1));
        return found == settings.config.labels.end() ? std::string() : found->second;
    }
    if (first == "lower" || first == "upper" || first == "title") {
        std::string text = TRY(argument(1));
        case_of(text, first);
        return text;
    }
    if (first == "json") return quoted(TRY(argument(1)));
    if (first == "truncate") {
        std::string text = TRY(argument(1)), limit = TRY(argument(2));
        size_t size = 0;
        if (std::from_chars(limit.data(), limit.data() + limit.size(), size).ec != std::errc())
            return tag_error("truncate: \"" + limit + "\" is not a number");
        return text.substr(0, size);
    }
    return tag_error("function \"" + first + "\" not defined");
}

Result<std::string> run_action(std::string_view text, const ContainerSettings& settings) {
    std::vector<std::string> words = TRY(tag_words(text)), command;
    std::string value;
    bool has_value = false;
    words.emplace_back("|");
    for (std::string& word : words) {
        if (word != "|") {
            command.push_back(std::move(word));
            continue;
        }
        if (command.empty()) return tag_error("missing value for command");
        value = TRY(run_command(command, has_value ? &value : nullptr, settings));
        has_value = true;
        command.clear();
    }
    return value;
}

} // namespace

Result<std::string> log_tag(const std::string& text, const ContainerSettings& settings) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        size_t begin = text.find("{{", at);
        out.append(text, at, begin - at);
        if (begin == std::string::npos) break;
        size_t end = text.find("}}", begin);
        if (end == std::string::npos) return tag_error("unclosed action");
        out += TRY(run_action(std::string_view(text).substr(begin + 2, end - begin - 2), settings));
        at = end + 2;
    }
    return out;
}

} // namespace hull::engine
