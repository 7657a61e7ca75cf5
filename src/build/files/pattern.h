// Patterns of names, as Docker takes them: * and ? (not over a slash), [a-z],
// [^a-z], \ before what is meant as it is; where allowed ** over slashes.
// Sources: Dockerfile reference, "COPY" and ".dockerignore file"; Go's
// path.Match, whose rules these are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::build {

enum class Stars : unsigned char { within_name, across_names }; // **: as *, or any folders

// A pattern that was checked once. Matching takes time of pattern x text at most.
class Pattern {
public:
    // Errors: invalid_argument "syntax error in pattern".
    static Result<Pattern> parse(std::string_view text, Stars stars);
    bool matches(std::string_view path) const;

private:
    struct Token {
        enum class Kind : unsigned char { character, any_one, star, stars, set } kind = Kind::character;
        char character = 0;
        bool negated = false;
        std::vector<std::pair<char, char>> ranges = {};
    };
    static bool fits(const Token& token, char c);
    std::vector<Token> tokens_;
};

bool has_wildcards(std::string_view text);

// A .dockerignore, or --exclude: patterns of which the last that matches
// decides; ! takes back. What is below a folder that matches matches too.
class IgnoreList {
public:
    // Errors: invalid_argument naming the line.
    static Result<IgnoreList> parse(std::string_view text);
    static Result<IgnoreList> of(const std::vector<std::string>& patterns);

    // path: relative, clean ("a/b").
    bool ignores(std::string_view path) const;
    // Whether something below the ignored folder path may be taken back.
    bool may_take_back_below(std::string_view path) const;
    bool empty() const { return rules_.empty(); }
    // As lines of the file, clean: what another reader of such patterns takes.
    std::vector<std::string> patterns() const;

private:
    struct Rule {
        std::string text;
        Pattern pattern;
        bool taken_back = false;
    };
    Result<void> add(std::string_view line);
    std::vector<Rule> rules_;
};

// "a//b/./../c/" is "a/c"; "" and "." are "". Leading ".." and "/" go away: the
// root is the top. As text, without looking at any file.
std::string clean_relative(std::string_view path);

} // namespace hull::build
