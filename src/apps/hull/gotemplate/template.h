// Go templates over JSON values: what --format takes.
//
// Covers what people write on a command line: {{.Field}}, nested fields,
// variables, pipelines, if/else if/else, range (also with $k, $v), with,
// break/continue, comments, trim markers {{- -}}, and the functions of
// functions.cc. Not there: define, template, block; asking for one is an error.
//
// Source: https://pkg.go.dev/text/template, Docker's "Format command and log
// output" page.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace hull::gotemplate {

using Value = boost::json::value;

struct Options {
    // A field that an object does not have: an error, or printed as "<no value>".
    // Fields of objects that are maps (Labels, Networks, ...) are never an error.
    enum class Missing : unsigned char { error, no_value } missing = Missing::error;
    // The root's methods, e.g. {{.Label "key"}}; nullopt: no such method.
    std::function<std::optional<Value>(std::string_view name, std::span<const Value> arguments)> method = {};
    // Functions give back their (first) argument: how the header of a table is
    // made from the template of its rows.
    bool header = false;
};

class Template {
public:
    // Errors: invalid_argument, worded like Go's ("template: :1: ...").
    static Result<Template> parse(std::string_view text);
    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;
    ~Template();

    Result<std::string> execute(const Value& data, const Options& options = {}) const;

private:
    struct Parsed;
    explicit Template(std::unique_ptr<Parsed> parsed);
    std::unique_ptr<Parsed> parsed_;
};

// %v of a value: strings as they are, [a b], map[k:v], <nil>.
std::string to_text(const Value& value);

} // namespace hull::gotemplate
