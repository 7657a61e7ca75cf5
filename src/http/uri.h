// The path and the query of a request target, decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hull::http {

// %41 -> A. plus_is_space: also "+" -> " " (queries, not paths). Errors:
// invalid_argument for a broken escape or an encoded NUL.
enum class Plus : bool { literal, space };
Result<std::string> percent_decode(std::string_view text, Plus plus = Plus::literal);
// Everything but letters, digits and "-_.~" becomes %XX.
std::string percent_encode(std::string_view text);

// Names and values of a query in their order; a name may come more than once.
class Query {
public:
    static Result<Query> parse(std::string_view text); // without the "?"

    // The first value of name; empty when there is none.
    const std::string& get(std::string_view name) const;
    bool has(std::string_view name) const;
    std::vector<std::string> all(std::string_view name) const;
    void add(std::string name, std::string value) { pairs_.emplace_back(std::move(name), std::move(value)); }

private:
    std::vector<std::pair<std::string, std::string>> pairs_;
};

struct Target {
    std::string path; // decoded; starts with "/"
    Query query;
};
// Takes the origin form ("/a?b=c") and the absolute form ("http://host/a").
Result<Target> parse_target(std::string_view target);

} // namespace hull::http
