#include "build/dockerfile.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "codec/json.h"

namespace hull::build {

namespace {

constexpr std::string_view keywords[] = {"ADD",    "ARG",   "CMD",         "COPY",  "ENTRYPOINT", "ENV",
                                         "EXPOSE", "FROM",  "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
                                         "RUN",    "SHELL", "STOPSIGNAL",  "USER",  "VOLUME",     "WORKDIR"};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::string_view trim_left(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}
std::string_view trim_right(std::string_view text) {
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}
std::string_view trimmed(std::string_view text) { return trim_right(trim_left(text)); }

std::string capitals(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        while (line.ends_with('\r')) line.remove_suffix(1);
        lines.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

Error parse_error(int line, const std::string& what) {
    return invalid("dockerfile parse error on line " + std::to_string(line) + ": " + what);
}

// "Dockerfile:3" and the line with a mark under the word, which is in one of the
// lines from first to last; none of them: under the first word.
std::string excerpt(const Dockerfile& file, int first, int last, std::string_view word) {
    constexpr size_t most_shown = 200;
    auto line = [&](int number) -> std::string_view {
        size_t index = static_cast<size_t>(number) - 1;
        return index < file.lines.size() ? std::string_view(file.lines[index]) : std::string_view();
    };
    int number = first;
    size_t at = word.empty() ? std::string_view::npos : line(first).find(word);
    while (!word.empty() && at == std::string_view::npos && number < last) at = line(++number).find(word);
    if (at == std::string_view::npos) {
        number = first;
        at = std::min(line(first).find_first_not_of(" \t"), line(first).size());
        word = line(first).substr(at, line(first).find_first_of(" \t", at) - at);
    }
    std::string_view shown = line(number).substr(0, most_shown);
    const std::string margin = "    " + std::to_string(number) + " | ";
    std::string out = "\n" + file.name + ":" + std::to_string(number) + "\n" + margin + std::string(shown);
    if (word.empty() || at + word.size() > shown.size()) return out;
    out += "\n" + std::string(margin.size(), ' ');
    for (char c : shown.substr(0, at)) out += c == '\t' ? '\t' : ' ';
    return out + std::string(word.size(), '^');
}

// ---- here-documents ----------------------------------------------------------------

// Words as they stand, quotes kept: only to find <<NAME outside of quotes.
std::vector<std::string> raw_words(std::string_view text, char escape) {
    std::vector<std::string> words;
    std::string word;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (quote == 0 && (is_blank(c) || c == ';')) {
            if (!word.empty()) words.push_back(std::move(word));
            word.clear();
            continue;
        }
        word += c;
        if (c == escape && quote != '\'' && i + 1 < text.size())
            word += text[++i];
        else if (quote == 0 && (c == '"' || c == '\''))
            quote = c;
        else if (c == quote)
            quote = 0;
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

// "3<<-'EOF'"
std::optional<Heredoc> heredoc_of(std::string_view word) {
    while (!word.empty() && std::isdigit(static_cast<unsigned char>(word.front()))) word.remove_prefix(1);
    if (!word.starts_with("<<") || word.starts_with("<<<")) return std::nullopt;
    word.remove_prefix(2);
    Heredoc doc;
    doc.chomp = word.starts_with('-');
    if (doc.chomp) word.remove_prefix(1);
    for (char c : word) {
        if (c == '<') return std::nullopt;
        if (c == '"' || c == '\'' || c == '\\')
            doc.expand = false;
        else
            doc.name += c;
    }
    if (doc.name.empty()) return std::nullopt;
    return doc;
}

// ---- one pass over the lines ---------------------------------------------------------

class Parser {
public:
    Parser(std::string_view text, std::string name) {
        file_.name = std::move(name);
        file_.lines = lines_of(text);
    }

    Result<Dockerfile> parse() {
        TRY(read_directives());
        while (at_ < file_.lines.size()) TRY(read_instruction());
        if (file_.instructions.empty()) return invalid("file with no instructions");
        return std::move(file_);
    }

private:
    int number() const { return static_cast<int>(at_) + 1; }

    // "# name=value", only before everything else.
    Result<void> read_directives() {
        std::vector<std::string> seen;
        for (; at_ < file_.lines.size(); ++at_) {
            std::string_view line = trimmed(file_.lines[at_]);
            if (!line.starts_with('#')) return {};
            line = trimmed(line.substr(1));
            size_t equals = line.find('=');
            if (equals == line.npos) return {};
            std::string name(trimmed(line.substr(0, equals)));
            std::string_view value = trimmed(line.substr(equals + 1));
            bool word = !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c); });
            if (!word || value.empty()) return {};
            std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
            if (name != "escape" && name != "syntax" && name != "check") return {};
            if (std::ranges::find(seen, name) != seen.end())
                return parse_error(number(), "only one " + name + " parser directive can be used");
            seen.push_back(name);
            if (name == "syntax") file_.directives.syntax = value;
            if (name == "check") file_.directives.check = value;
            if (name != "escape") continue;
            if (value != "\\" && value != "`")
                return parse_error(number(),
                                   "invalid ESCAPE '" + std::string(value) + "' does not match one of ` or \\");
            file_.directives.escape = value.front();
        }
        return {};
    }

    // Whether the line goes on on the next one; then without its mark. A mark that
    // is escaped itself is none, as with BuildKit.
    bool continues(std::string& line) const {
        const char escape = file_.directives.escape;
        std::string_view end = trim_right(line);
        if (!end.ends_with(escape) || end.substr(0, end.size() - 1).ends_with(escape)) return false;
        line.resize(end.size() - 1);
        return true;
    }

    Result<void> read_instruction() {
        std::string_view first = trim_left(file_.lines[at_]);
        if (first.empty() || first.starts_with('#')) {
            ++at_;
            return {};
        }
        Instruction instruction;
        instruction.line = number();
        std::string text(first);
        bool more = continues(text);
        ++at_;
        bool empty_line = false;
        while (more && at_ < file_.lines.size()) {
            std::string_view next = trim_left(file_.lines[at_]);
            if (next.empty() || next.starts_with('#')) {
                empty_line |= next.empty();
                ++at_;
                continue;
            }
            std::string line = file_.lines[at_++];
            more = continues(line);
            text += line;
        }
        // At the end of the file nothing goes on.
        while (more && continues(text)) {}
        if (empty_line) file_.warnings.push_back("[WARNING]: Empty continuation line found in:\n    " + text);
        TRY(split(instruction, trim_right(text)));
        TRY(read_heredocs(instruction));
        instruction.end_line = static_cast<int>(at_);
        file_.instructions.push_back(std::move(instruction));
        return {};
    }

    Result<void> split(Instruction& instruction, std::string_view text) {
        size_t end = 0;
        while (end < text.size() && !is_blank(text[end])) ++end;
        instruction.original = text;
        instruction.keyword = capitals(text.substr(0, end));
        if (std::ranges::find(keywords, instruction.keyword) == std::end(keywords)) {
            std::string what = "unknown instruction: " + std::string(text.substr(0, end));
            if (auto word = did_you_mean(instruction.keyword, keywords)) what += " (did you mean " + *word + "?)";
            return parse_error(instruction.line,
                               what + excerpt(file_, instruction.line, instruction.line, text.substr(0, end)));
        }
        std::string_view rest = trimmed(text.substr(end));
        // HEALTHCHECK has flags of its own, before CMD; they are read with it.
        while (rest.starts_with("--") && instruction.keyword != "HEALTHCHECK") {
            std::string word = TRY(flag_word(rest, instruction.line));
            if (word == "--") break;
            size_t equals = word.find('=');
            Flag flag;
            flag.name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
            flag.has_value = equals != word.npos;
            if (flag.has_value) flag.value = word.substr(equals + 1);
            instruction.flags.push_back(std::move(flag));
        }
        instruction.rest = rest;
        return {};
    }

    // The next word of rest, without its quotes.
    Result<std::string> flag_word(std::string_view& rest, int line) const {
        std::string word;
        char quote = 0;
        size_t i = 0;
        for (; i < rest.size() && (quote != 0 || !is_blank(rest[i])); ++i) {
            char c = rest[i];
            if (c == file_.directives.escape && quote != '\'' && i + 1 < rest.size())
                word += rest[++i];
            else if (quote == 0 && (c == '"' || c == '\''))
                quote = c;
            else if (c == quote)
                quote = 0;
            else
                word += c;
        }
        if (quote != 0) return parse_error(line, "a flag's quote does not end: " + std::string(rest));
        rest = trim_left(rest.substr(i));
        return word;
    }

    Result<void> read_heredocs(Instruction& instruction) {
        if (instruction.keyword != "RUN" && instruction.keyword != "COPY" && instruction.keyword != "ADD") return {};
        if (exec_form(instruction.rest)) return {};
        for (const std::string& word : raw_words(instruction.rest, file_.directives.escape)) {
            auto doc = heredoc_of(word);
            if (!doc) continue;
            TRY(read_heredoc(*doc, instruction.line));
            instruction.heredocs.push_back(std::move(*doc));
        }
        return {};
    }
    Result<void> read_heredoc(Heredoc& doc, int line) {
        for (; at_ < file_.lines.size(); ++at_) {
            std::string_view text = file_.lines[at_];
            if (doc.chomp) text.remove_prefix(std::min(text.find_first_not_of('\t'), text.size()));
            if (text == doc.name) {
                ++at_;
                return {};
            }
            doc.content.append(text).append("\n");
        }
        return parse_error(line, "unterminated heredoc: there is no line \"" + doc.name + "\"");
    }

    Dockerfile file_;
    size_t at_ = 0; // line
};

bool is_text(std::string_view text) { return text.find('\0') == text.npos; }

} // namespace

Result<Dockerfile> parse_dockerfile(std::string_view text, std::string name) {
    if (text.size() > max_dockerfile_bytes) return Error(ErrorKind::too_large, "the Dockerfile is longer than 16 MiB");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (!is_text(text)) return invalid("the Dockerfile is not a text: it holds zero bytes");
    if (text.find_first_not_of(" \t\r\n") == text.npos) return invalid("the Dockerfile cannot be empty");
    return Parser(text, std::move(name)).parse();
}

std::string print(const Dockerfile& file) {
    std::string out;
    if (!file.directives.syntax.empty()) out += "# syntax=" + file.directives.syntax + "\n";
    if (!file.directives.check.empty()) out += "# check=" + file.directives.check + "\n";
    if (file.directives.escape != '\\') out += "# escape=`\n";
    for (const Instruction& instruction : file.instructions) {
        out += instruction.original + "\n";
        for (const Heredoc& doc : instruction.heredocs) out += doc.content + doc.name + "\n";
    }
    return out;
}

std::optional<std::vector<std::string>> exec_form(std::string_view text) {
    if (!text.starts_with('[')) return std::nullopt;
    auto value = json::parse(text);
    if (!value.ok()) return std::nullopt;
    auto list = json::decode<std::vector<std::string>>(*value);
    if (!list.ok()) return std::nullopt;
    return std::move(list).value();
}

std::optional<std::string> did_you_mean(std::string_view text, std::span<const std::string_view> words) {
    if (text.size() > 20) return std::nullopt;
    auto distance = [&](std::string_view word) {
        std::vector<size_t> row(word.size() + 1);
        for (size_t i = 0; i < row.size(); ++i) row[i] = i;
        for (size_t i = 0; i < text.size(); ++i) {
            size_t corner = row[0];
            row[0] = i + 1;
            for (size_t j = 0; j < word.size(); ++j) {
                size_t change = corner + (text[i] == word[j] ? 0 : 1);
                corner = row[j + 1];
                row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, change});
            }
        }
        return row.back();
    };
    const std::string_view* best = nullptr;
    size_t least = 3;
    for (const std::string_view& word : words)
        if (size_t d = distance(word); d < least && d < word.size()) {
            least = d;
            best = &word;
        }
    if (!best) return std::nullopt;
    return std::string(*best);
}

Error at_line(Error error, const Dockerfile& file, const Instruction& instruction, std::string_view word) {
    std::string text = error.message();
    if (text.starts_with("dockerfile parse error")) return error;
    text = "dockerfile parse error on line " + std::to_string(instruction.line) + ": " + text;
    text += excerpt(file, instruction.line, std::max(instruction.line, instruction.end_line), word);
    return {error.kind(), text};
}

} // namespace hull::build
