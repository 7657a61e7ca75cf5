#include "image/words.h"

#include <cctype>

namespace hull::image {

namespace {

bool name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool blank(char c) { return c == ' ' || c == '\t'; }

std::string_view value_of(std::string_view name, const model::StringList& env) {
    for (std::string_view entry : env)
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
            return entry.substr(name.size() + 1);
    return {};
}

class Lexer {
public:
    Lexer(std::string_view text, const model::StringList& env) : rest_(text), env_(env) {}

    Result<std::vector<std::string>> words() {
        std::vector<std::string> out;
        for (;;) {
            while (!rest_.empty() && blank(rest_.front())) rest_.remove_prefix(1);
            if (rest_.empty()) return out;
            std::string word = TRY(until_blank());
            out.push_back(std::move(word));
        }
    }
    Result<std::string> whole() {
        std::string out;
        while (!rest_.empty()) TRY(part(out));
        return out;
    }

private:
    char take() {
        char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    Result<std::string> until_blank() {
        std::string out;
        while (!rest_.empty() && !blank(rest_.front())) TRY(part(out));
        return out;
    }
    Result<void> part(std::string& out) {
        char c = take();
        if (c == '\'') {
            size_t end = rest_.find('\'');
            if (end == rest_.npos) return unended("single quote");
            out += rest_.substr(0, end);
            rest_.remove_prefix(end + 1);
        } else if (c == '"') {
            return quoted(out);
        } else if (c == '\\') {
            if (!rest_.empty()) out += take();
        } else if (c == '$') {
            return variable(out);
        } else {
            out += c;
        }
        return {};
    }
    Result<void> quoted(std::string& out) {
        for (;;) {
            if (rest_.empty()) return unended("double quote");
            char c = take();
            if (c == '"') return {};
            if (c == '$') {
                TRY(variable(out));
            } else if (c == '\\' && !rest_.empty() &&
                       (rest_.front() == '"' || rest_.front() == '$' || rest_.front() == '\\')) {
                out += take();
            } else {
                out += c;
            }
        }
    }
    Result<void> variable(std::string& out) {
        if (rest_.empty() || (rest_.front() != '{' && !name_char(rest_.front()))) {
            out += '$';
            return {};
        }
        if (rest_.front() != '{') {
            size_t n = 0;
            while (n < rest_.size() && name_char(rest_[n])) ++n;
            out += value_of(rest_.substr(0, n), env_);
            rest_.remove_prefix(n);
            return {};
        }
        size_t end = rest_.find('}');
        if (end == rest_.npos) return unended("brace");
        std::string_view inner = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        size_t colon = inner.find(':');
        std::string_view value = value_of(inner.substr(0, colon), env_);
        if (colon == inner.npos) {
            out += value;
            return {};
        }
        std::string_view modifier = inner.substr(colon);
        if (modifier.starts_with(":-"))
            out += value.empty() ? modifier.substr(2) : value;
        else if (modifier.starts_with(":+"))
            out += value.empty() ? std::string_view() : modifier.substr(2);
        else
            return Error(ErrorKind::invalid_argument, "unsupported modifier in ${" + std::string(inner) + "}");
        return {};
    }
    static Error unended(std::string_view what) {
        return {ErrorKind::invalid_argument,
                "unexpected end of statement while looking for matching " + std::string(what)};
    }

    std::string_view rest_;
    const model::StringList& env_;
};

} // namespace

Result<std::vector<std::string>> split_words(std::string_view text, const model::StringList& env) {
    return Lexer(text, env).words();
}

Result<std::string> expand_word(std::string_view text, const model::StringList& env) {
    return Lexer(text, env).whole();
}

} // namespace hull::image
