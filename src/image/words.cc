#include "image/words.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace hull::image {

namespace {

bool name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool blank(char c) { return c == ' ' || c == '\t'; }

std::optional<std::string_view> value_of(std::string_view name, const model::StringList& env) {
    for (std::string_view entry : env)
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
            return entry.substr(name.size() + 1);
    return std::nullopt;
}

// ---- ${name#pattern} and its kin ------------------------------------------------

// Whether the whole of text fits pattern: * and ?, \ before what is meant as it is.
// Without recursion: a star that fails is tried again one character later.
bool fits(std::string_view pattern, std::string_view text) {
    size_t p = 0, t = 0, star = pattern.npos, star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
        char wanted = p < pattern.size() ? pattern[p + (escaped ? 1 : 0)] : '\0';
        if (p < pattern.size() && ((!escaped && wanted == '?') || wanted == text[t])) {
            p += escaped ? 2 : 1;
            ++t;
        } else if (star != pattern.npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string without_prefix(std::string_view value, std::string_view pattern, bool longest) {
    for (size_t i = 0; i <= value.size(); ++i) {
        size_t n = longest ? value.size() - i : i;
        if (fits(pattern, value.substr(0, n))) return std::string(value.substr(n));
    }
    return std::string(value);
}

std::string without_suffix(std::string_view value, std::string_view pattern, bool longest) {
    for (size_t i = 0; i <= value.size(); ++i) {
        size_t n = longest ? i : value.size() - i;
        if (fits(pattern, value.substr(n))) return std::string(value.substr(0, n));
    }
    return std::string(value);
}

std::string replaced(std::string_view value, std::string_view pattern, std::string_view by, bool all) {
    std::string out;
    for (size_t i = 0; i < value.size();) {
        size_t n = value.size() - i;
        while (n > 0 && !fits(pattern, value.substr(i, n))) --n; // the longest that fits
        if (n == 0) {
            out += value[i++];
            continue;
        }
        out += by;
        i += n;
        if (!all) return out.append(value.substr(i));
    }
    return out;
}

// "pattern/by", where the pattern may hold an escaped slash.
std::pair<std::string_view, std::string_view> split_replacement(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '/')
            return {text.substr(0, i), text.substr(i + 1)};
    }
    return {text, {}};
}

// ---- the lexer ----------------------------------------------------------------------

class Lexer {
public:
    Lexer(std::string_view text, const model::StringList& env, char escape) : rest_(text), env_(env), escape_(escape) {}

    Result<std::vector<std::string>> words() {
        splitting_ = true;
        while (!rest_.empty()) {
            if (blank(rest_.front())) {
                rest_.remove_prefix(1);
                end_word();
            } else {
                TRY(part());
            }
        }
        end_word();
        return std::move(words_);
    }
    Result<std::string> whole() {
        while (!rest_.empty()) TRY(part());
        return std::move(word_);
    }

private:
    char take() {
        char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    void add(std::string_view text) {
        word_ += text;
        in_word_ = true;
    }
    void end_word() {
        if (in_word_) words_.push_back(std::move(word_));
        word_.clear();
        in_word_ = false;
    }
    // The value of an unquoted variable.
    void add_value(std::string_view value) {
        if (!splitting_) return add(value);
        for (char c : value) {
            if (blank(c) || c == '\n')
                end_word();
            else
                add(std::string_view(&c, 1));
        }
    }

    Result<void> part() {
        char c = take();
        if (c == '\'') {
            size_t end = rest_.find('\'');
            if (end == rest_.npos) return unended("single-quote");
            add(rest_.substr(0, end));
            rest_.remove_prefix(end + 1);
        } else if (c == '"') {
            return quoted();
        } else if (c == escape_) {
            if (rest_.empty()) return {};
            c = take();
            add(std::string_view(&c, 1));
        } else if (c == '$') {
            std::string value = TRY(variable());
            add_value(value);
        } else {
            add(std::string_view(&c, 1));
        }
        return {};
    }
    Result<void> quoted() {
        add({});
        for (;;) {
            if (rest_.empty()) return unended("double-quote");
            char c = take();
            if (c == '"') return {};
            if (c == '$') {
                std::string value = TRY(variable());
                add(value);
                continue;
            }
            if (c == escape_ && !rest_.empty() &&
                (rest_.front() == '"' || rest_.front() == '$' || rest_.front() == escape_))
                c = take();
            add(std::string_view(&c, 1));
        }
    }

    // After the dollar.
    Result<std::string> variable() {
        if (rest_.empty() || (rest_.front() != '{' && !name_char(rest_.front()))) return std::string("$");
        if (rest_.front() != '{') {
            size_t n = 0;
            while (n < rest_.size() && name_char(rest_[n])) ++n;
            std::string value(value_of(rest_.substr(0, n), env_).value_or(""));
            rest_.remove_prefix(n);
            return value;
        }
        std::string_view inner = TRY(braces());
        size_t n = 0;
        while (n < inner.size() && name_char(inner[n])) ++n;
        if (n == 0) return Error(ErrorKind::invalid_argument, "bad substitution: ${" + std::string(inner) + "}");
        return modified(inner.substr(0, n), inner.substr(n), inner);
    }
    // What stands between { and its }, other variables in it included.
    Result<std::string_view> braces() {
        int depth = 0;
        for (size_t i = 0; i < rest_.size(); ++i) {
            if (rest_[i] == escape_)
                ++i;
            else if (rest_[i] == '{' && (i == 0 || rest_[i - 1] == '$'))
                ++depth;
            else if (rest_[i] == '}' && --depth == 0) {
                std::string_view inner = rest_.substr(1, i - 1);
                rest_.remove_prefix(i + 1);
                return inner;
            }
        }
        return unended("brace");
    }
    Result<std::string> modified(std::string_view name, std::string_view modifier, std::string_view inner) {
        auto value = value_of(name, env_);
        if (modifier.empty()) return std::string(value.value_or(""));
        bool colon = modifier.front() == ':';
        std::string_view kind = colon ? modifier.substr(1) : modifier;
        if (kind.empty())
            return Error(ErrorKind::invalid_argument, "unsupported modifier in ${" + std::string(inner) + "}");
        bool set = value && !(colon && value->empty());
        auto word = [&](size_t skip) { return Lexer(kind.substr(skip), env_, escape_).whole(); };
        switch (kind.front()) {
        case '-': return set ? Result<std::string>(std::string(*value)) : word(1);
        case '+': return set ? word(1) : Result<std::string>(std::string());
        case '?': {
            if (set) return std::string(*value);
            std::string why = TRY(word(1));
            return Error(ErrorKind::invalid_argument,
                         std::string(name) + ": " + (why.empty() ? "is not allowed to be unset" : why));
        }
        default: break;
        }
        if (colon)
            return Error(ErrorKind::invalid_argument,
                         "unsupported modifier (" + std::string(modifier.substr(0, 2)) + ") in substitution");
        return by_pattern(value.value_or(""), kind);
    }
    Result<std::string> by_pattern(std::string_view value, std::string_view kind) {
        char c = kind.front();
        bool twice = kind.size() > 1 && kind[1] == c;
        std::string_view argument = kind.substr(twice ? 2 : 1);
        if (c == '#' || c == '%') {
            std::string pattern = TRY(expand_pattern(argument));
            return c == '#' ? without_prefix(value, pattern, twice) : without_suffix(value, pattern, twice);
        }
        if (c == '/') {
            auto [pattern_text, by_text] = split_replacement(argument);
            std::string pattern = TRY(expand_pattern(pattern_text));
            std::string by = TRY(Lexer(by_text, env_, escape_).whole());
            return replaced(value, pattern, by, twice);
        }
        return Error(ErrorKind::invalid_argument, "unsupported modifier (" + std::string(1, c) + ") in substitution");
    }
    // Variables replaced, escapes kept for fits().
    Result<std::string> expand_pattern(std::string_view text) {
        std::string out;
        Lexer inner(text, env_, escape_);
        while (!inner.rest_.empty()) {
            char c = inner.take();
            if (c == '$')
                out += TRY(inner.variable());
            else
                out += c == escape_ ? '\\' : c;
            if (c == escape_ && !inner.rest_.empty()) out += inner.take();
        }
        return out;
    }
    static Error unended(std::string_view what) {
        return {ErrorKind::invalid_argument,
                "unexpected end of statement while looking for matching " + std::string(what)};
    }

    std::string_view rest_;
    const model::StringList& env_;
    char escape_;
    bool splitting_ = false, in_word_ = false;
    std::string word_;
    std::vector<std::string> words_;
};

} // namespace

std::vector<std::string_view> raw_words(std::string_view text, char escape) {
    std::vector<std::string_view> words;
    for (size_t i = 0; i < text.size();) {
        if (blank(text[i])) {
            ++i;
            continue;
        }
        const size_t begin = i;
        char quote = 0;
        int braces = 0; // a blank in ${name:-a b} ends no word
        for (; i < text.size() && (quote != 0 || braces > 0 || !blank(text[i])); ++i) {
            const char c = text[i];
            if (c == escape && quote != '\'')
                ++i;
            else if (quote != 0)
                quote = c == quote ? 0 : quote;
            else if (c == '"' || c == '\'')
                quote = c;
            else if (c == '{' && i > begin && text[i - 1] == '$')
                ++braces;
            else if (c == '}' && braces > 0)
                --braces;
        }
        i = std::min(i, text.size());
        words.push_back(text.substr(begin, i - begin));
    }
    return words;
}

Result<std::vector<std::string>> split_words(std::string_view text, const model::StringList& env, char escape) {
    std::vector<std::string> words;
    for (std::string_view word : raw_words(text, escape)) words.push_back(TRY(expand_word(word, env, escape)));
    return words;
}

Result<std::vector<std::string>> split_values(std::string_view text, const model::StringList& env, char escape) {
    return Lexer(text, env, escape).words();
}

Result<std::string> expand_word(std::string_view text, const model::StringList& env, char escape) {
    return Lexer(text, env, escape).whole();
}

} // namespace hull::image
