// Rows in columns, and rows through a --format template.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/hull/gotemplate/template.h"
#include "base/result.h"

namespace hull::format {

// Lines of tab-separated cells -> aligned columns: a column is as wide as its
// widest cell plus 3, at least min_width; the last cell of a line is not padded.
std::string align(std::string_view tabbed, size_t min_width = 10);

// One named column: what {{.Name}} gives and what its header says.
struct Column {
    std::string_view name;   // "ID"
    std::string_view header; // "CONTAINER ID"
};

// What a listing prints.
struct Listing {
    std::span<const Column> columns; // all that a template may name
    std::string_view default_table;  // a template: "{{.ID}}\t{{.Names}}"
    std::vector<boost::json::object> rows = {};
    // {{.Label "key"}} and the like, on a row of that index.
    std::function<std::optional<gotemplate::Value>(size_t row, std::string_view name,
                                                   std::span<const gotemplate::Value> arguments)>
        method = {};
};

// Prints it as --format says: "" and "table" the default table, "table
// TEMPLATE", "json" one object a line, else a template per row.
Result<std::string> render(const Listing& listing, std::string_view format);
// One value through a template or "json"; ends with a newline.
Result<std::string> render_value(const gotemplate::Value& value, std::string_view format);
// \t and \n written as two characters, as shells pass them.
std::string unescape(std::string_view format);

} // namespace hull::format
