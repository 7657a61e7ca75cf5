#include "codec/json.h"

#include <algorithm>

namespace hull::json {

Result<Value> parse(std::string_view text, const Limits& limits) {
    if (text.size() > limits.max_bytes)
        return Error(ErrorKind::too_large, "JSON text of " + std::to_string(text.size()) + " bytes, more than the " +
                                               std::to_string(limits.max_bytes) + " allowed");
    boost::json::parse_options options;
    options.max_depth = limits.max_depth;
    boost::json::stream_parser parser({}, options);
    boost::json::error_code ec;
    size_t used = parser.write_some(text.data(), text.size(), ec);
    if (!ec) parser.finish(ec); // a lone number ends only here
    if (!ec && text.find_first_not_of(" \t\r\n", used) != text.npos) ec = boost::json::error::extra_data;
    if (ec) {
        if (text.find_first_not_of(" \t\r\n") == text.npos)
            return Error(ErrorKind::invalid_argument, "invalid JSON: the text is empty");
        return Error(ErrorKind::invalid_argument,
                     "invalid JSON: " + ec.message() + " at offset " + std::to_string(used));
    }
    return parser.release();
}

std::string print(const Value& value) { return boost::json::serialize(value); }

namespace detail {

const char* kind_name(const Value& v) {
    switch (v.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "bool";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_: return "number";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "array";
    case boost::json::kind::object: return "object";
    }
    return "?";
}

namespace {

// " 5", " \"text\"", cut where it gets long; nothing for what has parts.
std::string shown(const Value& v) {
    constexpr size_t longest = 64;
    if (v.is_null() || v.is_array() || v.is_object()) return {};
    std::string text = " " + print(v);
    if (text.size() > longest) text = text.substr(0, longest) + "...";
    return text;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

} // namespace

Error mismatch(const Value& v, std::string_view wanted) {
    return Error(ErrorKind::invalid_argument,
                 std::string("invalid JSON: got ") + kind_name(v) + shown(v) + ", want " + std::string(wanted));
}

const Value* find(const Object& o, std::string_view name) {
    if (const Value* exact = o.if_contains(name)) return exact;
    for (const auto& [key, value] : o)
        if (same_name({key.data(), key.size()}, name)) return &value;
    return nullptr;
}

} // namespace detail
} // namespace hull::json
