#include "apps/hull/format/table.h"

#include <algorithm>
#include <map>

#include <boost/json.hpp>

#include "apps/hull/format/human.h"

namespace hull::format {

namespace {

constexpr size_t padding = 3;

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> out;
    for (size_t at; (at = text.find(by)) != text.npos; text.remove_prefix(at + 1)) out.push_back(text.substr(0, at));
    out.push_back(text);
    return out;
}

Result<std::string> run_row(const gotemplate::Template& tmpl, const Listing& listing, size_t row) {
    gotemplate::Options options;
    if (listing.method)
        options.method = [&](std::string_view name, std::span<const gotemplate::Value> arguments) {
            return listing.method(row, name, arguments);
        };
    auto text = tmpl.execute(gotemplate::Value(listing.rows[row]), options);
    if (!text.ok()) return Error(ErrorKind::invalid_argument, "failed to execute template: " + text.error().message());
    return text;
}

Result<std::string> header_row(const gotemplate::Template& tmpl, const Listing& listing) {
    boost::json::object names;
    for (const Column& column : listing.columns) names[column.name] = column.header;
    gotemplate::Options options;
    options.header = true;
    options.missing = gotemplate::Options::Missing::no_value;
    if (listing.method)
        options.method = [](std::string_view,
                            std::span<const gotemplate::Value> arguments) -> std::optional<gotemplate::Value> {
            // {{.Label "com.x.name"}} heads its column with the key's last word.
            if (arguments.empty() || !arguments[0].is_string()) return std::nullopt;
            std::string_view key = arguments[0].get_string();
            return gotemplate::Value(key.substr(key.find_last_of("./-") + 1));
        };
    return tmpl.execute(gotemplate::Value(std::move(names)), options);
}

std::string sorted_json(const boost::json::object& row) {
    std::map<std::string_view, const gotemplate::Value*> members;
    for (const auto& entry : row) members[entry.key()] = &entry.value();
    std::string out = "{";
    for (const auto& [name, value] : members) {
        if (out.size() > 1) out += ',';
        out += boost::json::serialize(gotemplate::Value(name)) + ":";
        // As Go's encoder writes it for HTML's sake.
        for (char c : boost::json::serialize(*value)) {
            if (c == '<' || c == '>' || c == '&')
                out += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
            else
                out += c;
        }
    }
    return out + "}";
}

Result<gotemplate::Template> parse(std::string_view text) {
    auto parsed = gotemplate::Template::parse(text);
    if (!parsed.ok()) return Error(ErrorKind::invalid_argument, "template parsing error: " + parsed.error().message());
    return parsed;
}

} // namespace

std::string align(std::string_view tabbed, size_t min_width) {
    bool newline = tabbed.ends_with('\n');
    if (newline) tabbed.remove_suffix(1);
    std::vector<std::vector<std::string_view>> lines;
    std::vector<size_t> widths;
    for (std::string_view line : split(tabbed, '\n')) {
        lines.push_back(split(line, '\t'));
        for (size_t i = 0; i + 1 < lines.back().size(); ++i) {
            if (widths.size() <= i) widths.push_back(min_width);
            widths[i] = std::max(widths[i], display_width(lines.back()[i]) + padding);
        }
    }
    std::string out;
    for (size_t n = 0; n < lines.size(); ++n) {
        for (size_t i = 0; i < lines[n].size(); ++i) {
            out += lines[n][i];
            if (i + 1 < lines[n].size()) out.append(widths[i] - display_width(lines[n][i]), ' ');
        }
        if (n + 1 < lines.size() || newline) out += '\n';
    }
    return out;
}

std::string unescape(std::string_view format) {
    std::string out;
    for (size_t i = 0; i < format.size(); ++i) {
        if (format[i] == '\\' && i + 1 < format.size() && (format[i + 1] == 't' || format[i + 1] == 'n'))
            out += format[++i] == 't' ? '\t' : '\n';
        else
            out += format[i];
    }
    return out;
}

Result<std::string> render(const Listing& listing, std::string_view format) {
    std::string out;
    if (format == "json" || format == "{{json .}}") {
        for (const auto& row : listing.rows) out += sorted_json(row) + "\n";
        return out;
    }
    bool table = format.empty() || format.starts_with("table");
    std::string text = unescape(format);
    if (table) {
        text = format.size() <= 5 ? "" : unescape(format.substr(5));
        size_t first = text.find_first_not_of(" \t");
        text = first == text.npos ? std::string(listing.default_table) : text.substr(first);
    }
    gotemplate::Template tmpl = TRY(parse(text));
    if (table) out += TRY(header_row(tmpl, listing)) + "\n";
    for (size_t row = 0; row < listing.rows.size(); ++row) out += TRY(run_row(tmpl, listing, row)) + "\n";
    return table ? align(out) : out;
}

Result<std::string> render_value(const gotemplate::Value& value, std::string_view format) {
    if (format == "json") return boost::json::serialize(value) + "\n";
    gotemplate::Template tmpl = TRY(parse(unescape(format)));
    auto text = tmpl.execute(value);
    if (!text.ok()) return Error(ErrorKind::invalid_argument, "template parsing error: " + text.error().message());
    return *text + "\n";
}

} // namespace hull::format
