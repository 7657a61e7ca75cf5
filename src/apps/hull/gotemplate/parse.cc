#include "apps/hull/gotemplate/parse.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace hull::gotemplate {

namespace {

constexpr int max_nesting = 64;

bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<std::vector<Node>> run() {
        std::string end;
        std::vector<Node> nodes = TRY(list(end, 0));
        if (!end.empty()) return fail("unexpected {{" + end + "}}");
        return nodes;
    }

private:
    Error fail(const std::string& what) const {
        auto line =
            1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(std::min(at_, text_.size())), '\n');
        return Error(ErrorKind::invalid_argument, "template: :" + std::to_string(line) + ": " + what);
    }

    bool looking_at(std::string_view token) const { return text_.substr(at_).starts_with(token); }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    }
    bool at_end_of_action() const {
        if (looking_at("}}")) return true;
        return peek() == '-' && looking_at("-}}");
    }
    Result<void> close_action() {
        skip_space();
        if (looking_at("-}}")) {
            at_ += 3;
            skip_space();
            return {};
        }
        if (!looking_at("}}"))
            return fail(at_ >= text_.size() ? "unclosed action"
                                            : std::string("unexpected ") + quoted_here() + " in operand");
        at_ += 2;
        return {};
    }
    std::string quoted_here() const { return "\"" + std::string(1, peek()) + "\""; }

    // Text up to the next action, without the space a {{- takes away.
    std::string plain_text() {
        size_t open = text_.find("{{", at_);
        std::string out(text_.substr(at_, open == text_.npos ? text_.npos : open - at_));
        at_ = open == text_.npos ? text_.size() : open + 2;
        if (open != text_.npos && peek() == '-' && at_ + 1 < text_.size() &&
            std::isspace(static_cast<unsigned char>(text_[at_ + 1]))) {
            ++at_;
            while (!out.empty() && std::isspace(static_cast<unsigned char>(out.back()))) out.pop_back();
        }
        in_action_ = open != text_.npos;
        return out;
    }

    std::string keyword() {
        size_t end = at_;
        while (end < text_.size() && word_char(text_[end])) ++end;
        return std::string(text_.substr(at_, end - at_));
    }

    // Nodes up to {{end}} or {{else ...}} (then named in end_word) or the end.
    Result<std::vector<Node>> list(std::string& end_word, int depth) {
        if (depth > max_nesting) return fail("nested too deeply");
        std::vector<Node> nodes;
        for (;;) {
            std::string text = plain_text();
            if (!text.empty()) nodes.push_back({Node::Kind::text, std::move(text), {}, {}, {}});
            if (!in_action_) {
                if (depth > 0) return fail("unexpected EOF");
                end_word.clear();
                return nodes;
            }
            skip_space();
            if (looking_at("/*")) {
                size_t close = text_.find("*/", at_);
                if (close == text_.npos) return fail("unclosed comment");
                at_ = close + 2;
                TRY(close_action());
                continue;
            }
            std::string word = keyword();
            if (word == "end" || word == "else") {
                at_ += word.size();
                end_word = word;
                if (word == "end") TRY(close_action());
                return nodes;
            }
            nodes.push_back(TRY(action(word, depth)));
        }
    }

    Result<Node> action(const std::string& word, int depth) {
        Node node;
        if (word == "if" || word == "range" || word == "with") {
            at_ += word.size();
            node.kind = word == "if" ? Node::Kind::if_ : word == "range" ? Node::Kind::range : Node::Kind::with;
            return control(std::move(node), word, depth);
        }
        if (word == "define" || word == "template" || word == "block") return fail("{{" + word + "}} is not supported");
        if (word == "break" || word == "continue") {
            at_ += word.size();
            node.kind = word == "break" ? Node::Kind::break_ : Node::Kind::continue_;
            TRY(close_action());
            return node;
        }
        node.kind = Node::Kind::action;
        node.pipeline = TRY(pipeline(depth));
        TRY(close_action());
        return node;
    }

    Result<Node> control(Node node, const std::string& word, int depth) {
        node.pipeline = TRY(pipeline(depth));
        TRY(close_action());
        std::string end;
        node.body = TRY(list(end, depth + 1));
        if (end != "else") return node;
        skip_space();
        std::string next = keyword();
        if (!next.empty() && next == word && word != "range") { // else if, else with
            node.otherwise.push_back(TRY(action(next, depth + 1)));
            return node;
        }
        TRY(close_action());
        node.otherwise = TRY(list(end, depth + 1));
        if (end != "end") return fail("unexpected {{else}}");
        return node;
    }

    std::optional<std::string> variable_name() {
        if (peek() != '$') return std::nullopt;
        ++at_;
        std::string name = keyword();
        at_ += name.size();
        return name;
    }

    Result<Pipeline> pipeline(int depth) {
        if (depth > max_nesting) return fail("nested too deeply");
        Pipeline out;
        skip_space();
        size_t start = at_;
        while (auto name = variable_name()) {
            out.variables.push_back(*name);
            skip_space();
            if (peek() != ',') break;
            ++at_;
            skip_space();
        }
        if (!out.variables.empty() && looking_at(":=")) {
            out.declares = true;
            at_ += 2;
        } else if (out.variables.size() == 1 && peek() == '=') {
            ++at_;
        } else {
            out.variables.clear();
            at_ = start;
        }
        for (;;) {
            out.commands.push_back(TRY(command(depth)));
            skip_space();
            if (peek() != '|') break;
            ++at_;
        }
        return out;
    }

    Result<Command> command(int depth) {
        Command out;
        for (;;) {
            skip_space();
            if (at_ >= text_.size()) return fail("unclosed action");
            if (at_end_of_action() || peek() == '|' || peek() == ')') break;
            out.words.push_back(TRY(operand(depth)));
        }
        if (out.words.empty()) return fail("missing value for command");
        return out;
    }

    Result<Operand> operand(int depth) {
        Operand out;
        out.offset = at_;
        char c = peek();
        if (c == '.') {
            out.kind = Operand::Kind::dot;
            if (at_ + 1 >= text_.size() || !word_char(text_[at_ + 1])) {
                ++at_; // the bare dot
            } else {
                fields(out);
            }
        } else if (c == '$') {
            out.kind = Operand::Kind::variable;
            out.name = *variable_name();
            fields(out);
        } else if (c == '(') {
            ++at_;
            out.kind = Operand::Kind::group;
            out.group = std::make_shared<Pipeline>(TRY(pipeline(depth + 1)));
            skip_space();
            if (peek() != ')') return fail("unclosed left paren");
            ++at_;
            fields(out);
        } else if (c == '"' || c == '`' || c == '\'') {
            out.literal = TRY(string_literal(c));
        } else if (std::isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '+') {
            out.literal = TRY(number());
        } else if (std::isalpha(static_cast<unsigned char>(c)) || c == '_') {
            TRY(identifier(out));
        } else {
            return fail("unexpected " + quoted_here() + " in operand");
        }
        out.text = std::string(text_.substr(out.offset, at_ - out.offset));
        return out;
    }

    void fields(Operand& out) {
        while (peek() == '.' && at_ + 1 < text_.size() && word_char(text_[at_ + 1])) {
            ++at_;
            out.fields.push_back(keyword());
            at_ += out.fields.back().size();
        }
    }

    Result<void> identifier(Operand& out) {
        std::string word = keyword();
        at_ += word.size();
        if (word == "true" || word == "false") {
            out.literal = word == "true";
        } else if (word == "nil") {
            out.literal = nullptr;
        } else {
            if (!is_function(word)) return fail("function \"" + word + "\" not defined");
            out.kind = Operand::Kind::function;
            out.name = word;
        }
        return {};
    }

    Result<boost::json::value> number() {
        size_t end = at_ + 1;
        while (end < text_.size() && (word_char(text_[end]) || text_[end] == '.')) ++end;
        std::string word(text_.substr(at_, end - at_));
        const char* first = word.data() + (word[0] == '+');
        const char* last = word.data() + word.size();
        int64_t whole = 0;
        if (auto r = std::from_chars(first, last, whole); r.ec == std::errc{} && r.ptr == last) {
            at_ = end;
            return boost::json::value(whole);
        }
        double real = 0;
        if (auto r = std::from_chars(first, last, real); r.ec == std::errc{} && r.ptr == last) {
            at_ = end;
            return boost::json::value(real);
        }
        return fail("bad number syntax: \"" + word + "\"");
    }

    Result<boost::json::value> string_literal(char quote) {
        std::string out;
        size_t i = at_ + 1;
        for (; i < text_.size() && text_[i] != quote; ++i) {
            if (text_[i] == '\n' && quote != '`') break;
            if (text_[i] != '\\' || quote == '`') {
                out.push_back(text_[i]);
                continue;
            }
            if (++i >= text_.size()) break;
            static constexpr std::string_view names = "abfnrtv\\\"'";
            static constexpr std::string_view values = "\a\b\f\n\r\t\v\\\"'";
            size_t known = names.find(text_[i]);
            if (known == names.npos) return fail("unknown escape in string");
            out.push_back(values[known]);
        }
        if (i >= text_.size() || text_[i] != quote)
            return fail(quote == '`' ? "unterminated raw quoted string" : "unterminated quoted string");
        at_ = i + 1;
        if (quote == '\'') {
            if (out.size() != 1) return fail("malformed character constant");
            return boost::json::value(static_cast<int64_t>(static_cast<unsigned char>(out[0])));
        }
        return boost::json::value(out);
    }

    std::string_view text_;
    size_t at_ = 0;
    bool in_action_ = false;
};

} // namespace

Result<std::vector<Node>> parse_nodes(std::string_view text) { return Parser(text).run(); }

} // namespace hull::gotemplate
