#include "build/files/pattern.h"

#include <algorithm>

namespace hull::build {

namespace {

std::string_view without_blanks(std::string_view text) {
    auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

Error syntax_error(std::string_view text) { return invalid("syntax error in pattern \"" + std::string(text) + "\""); }

} // namespace

Result<Pattern> Pattern::parse(std::string_view text, Stars stars) {
    Pattern pattern;
    for (size_t i = 0; i < text.size(); ++i) {
        Token token;
        char c = text[i];
        if (c == '*') {
            token.kind = Token::Kind::star;
            if (stars == Stars::across_names && i + 1 < text.size() && text[i + 1] == '*') {
                token.kind = Token::Kind::stars;
                while (i + 1 < text.size() && text[i + 1] == '*') ++i;
                // "**/" may be nothing at all.
                if (i + 1 < text.size() && text[i + 1] == '/') {
                    ++i;
                    token.character = '/';
                }
            }
        } else if (c == '?') {
            token.kind = Token::Kind::any_one;
        } else if (c == '[') {
            token.kind = Token::Kind::set;
            if (i + 1 < text.size() && text[i + 1] == '^') {
                token.negated = true;
                ++i;
            }
            for (++i; i < text.size() && (text[i] != ']' || token.ranges.empty()); ++i) {
                if (text[i] == '\\' && ++i == text.size()) return syntax_error(text);
                char low = text[i], high = low;
                if (i + 2 < text.size() && text[i + 1] == '-' && text[i + 2] != ']') {
                    i += 2;
                    if (text[i] == '\\' && ++i == text.size()) return syntax_error(text);
                    high = text[i];
                }
                token.ranges.emplace_back(low, high);
            }
            if (i >= text.size() || token.ranges.empty()) return syntax_error(text);
        } else {
            if (c == '\\') {
                if (++i == text.size()) return syntax_error(text);
                c = text[i];
            }
            token.character = c;
        }
        pattern.tokens_.push_back(std::move(token));
    }
    return pattern;
}

bool Pattern::fits(const Token& token, char c) {
    switch (token.kind) {
    case Token::Kind::character: return token.character == c;
    case Token::Kind::any_one: return c != '/';
    case Token::Kind::set: {
        bool in = std::ranges::any_of(token.ranges, [&](auto range) { return range.first <= c && c <= range.second; });
        return c != '/' && in != token.negated;
    }
    case Token::Kind::star:
    case Token::Kind::stars: break;
    }
    return false;
}

// All places of the pattern that the text so far can be at, character by character.
bool Pattern::matches(std::string_view path) const {
    std::vector<bool> at(tokens_.size() + 1), next;
    auto skip_stars = [&](std::vector<bool>& places) {
        for (size_t i = 0; i < tokens_.size(); ++i)
            if (places[i] && (tokens_[i].kind == Token::Kind::star || tokens_[i].kind == Token::Kind::stars))
                places[i + 1] = true;
    };
    at[0] = true;
    skip_stars(at);
    for (size_t n = 0; n < path.size(); ++n) {
        char c = path[n];
        next.assign(tokens_.size() + 1, false);
        for (size_t i = 0; i < tokens_.size(); ++i) {
            if (!at[i]) continue;
            const Token& token = tokens_[i];
            if (token.kind == Token::Kind::star) {
                if (c != '/') next[i] = true;
            } else if (token.kind == Token::Kind::stars) {
                next[i] = true;
            } else if (fits(token, c)) {
                next[i + 1] = true;
            }
        }
        // Behind "**/" a name begins: only after a slash.
        for (size_t i = 0; i < tokens_.size(); ++i)
            if (next[i] && tokens_[i].kind == Token::Kind::star)
                next[i + 1] = true;
            else if (next[i] && tokens_[i].kind == Token::Kind::stars && (tokens_[i].character != '/' || c == '/'))
                next[i + 1] = true;
        at.swap(next);
    }
    return at[tokens_.size()];
}

bool has_wildcards(std::string_view text) { return text.find_first_of("*?[\\") != text.npos; }

Result<void> IgnoreList::add(std::string_view line) {
    if (line.starts_with('#')) return {};
    std::string_view text = without_blanks(line);
    if (text.empty()) return {};
    Rule rule;
    if (text.starts_with('!')) {
        rule.taken_back = true;
        text = without_blanks(text.substr(1));
        if (text.empty()) return invalid("illegal exclusion pattern: \"!\"");
    }
    rule.text = clean_relative(text);
    if (rule.text.empty()) rule.text = ".";
    rule.pattern = TRY(Pattern::parse(rule.text, Stars::across_names));
    rules_.push_back(std::move(rule));
    return {};
}

Result<IgnoreList> IgnoreList::parse(std::string_view text) {
    IgnoreList list;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (int line = 1; !text.empty(); ++line) {
        size_t end = std::min(text.find('\n'), text.size());
        TRY(list.add(text.substr(0, end)).context([&] { return "line " + std::to_string(line); }));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

Result<IgnoreList> IgnoreList::of(const std::vector<std::string>& patterns) {
    IgnoreList list;
    for (const std::string& pattern : patterns) TRY(list.add(pattern));
    return list;
}

std::vector<std::string> IgnoreList::patterns() const {
    std::vector<std::string> out;
    for (const Rule& rule : rules_) out.push_back((rule.taken_back ? "!" : "") + rule.text);
    return out;
}

bool IgnoreList::ignores(std::string_view path) const {
    bool ignored = false;
    for (const Rule& rule : rules_) {
        if (ignored == !rule.taken_back) continue;
        bool matched = rule.text == "." || rule.pattern.matches(path);
        for (size_t slash = path.find('/'); !matched && slash != path.npos; slash = path.find('/', slash + 1))
            matched = rule.pattern.matches(path.substr(0, slash));
        if (matched) ignored = !rule.taken_back;
    }
    return ignored;
}

bool IgnoreList::may_take_back_below(std::string_view path) const {
    const std::string below = std::string(path) + "/";
    return std::ranges::any_of(rules_, [&](const Rule& rule) {
        if (!rule.taken_back) return false;
        size_t wild = rule.text.find_first_of("*?[\\");
        std::string_view fixed = std::string_view(rule.text).substr(0, wild);
        return fixed.starts_with(below) || (wild != rule.text.npos && std::string_view(below).starts_with(fixed));
    });
}

std::string clean_relative(std::string_view path) {
    std::vector<std::string_view> parts;
    for (size_t begin = 0; begin <= path.size();) {
        size_t end = std::min(path.find('/', begin), path.size());
        std::string_view part = path.substr(begin, end - begin);
        if (part == ".." && !parts.empty()) parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
        begin = end + 1;
    }
    std::string out;
    for (std::string_view part : parts) (out.empty() ? out : out.append("/")).append(part);
    return out;
}

} // namespace hull::build
