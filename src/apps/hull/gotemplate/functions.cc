#include "apps/hull/gotemplate/functions.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <compare>
#include <vector>

#include <boost/json.hpp>

#include "apps/hull/gotemplate/printf.h"

namespace hull::gotemplate {

namespace {

using Arguments = std::span<const Value>;

Error wrong(std::string what) { return Error(ErrorKind::invalid_argument, std::move(what)); }

std::string kind_of(const Value& v) {
    switch (v.kind()) {
    case boost::json::kind::null: return "nil";
    case boost::json::kind::bool_: return "bool";
    case boost::json::kind::int64:
    case boost::json::kind::uint64: return "int";
    case boost::json::kind::double_: return "float64";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "slice";
    case boost::json::kind::object: return "map";
    }
    return "?";
}

Result<std::string_view> text_argument(const Value& v) {
    if (!v.is_string()) return wrong("wrong type for value; expected string; got " + kind_of(v));
    return std::string_view(v.get_string().data(), v.get_string().size());
}

Result<int64_t> number_argument(const Value& v) {
    if (v.is_int64()) return v.get_int64();
    if (v.is_uint64()) return static_cast<int64_t>(v.get_uint64());
    return wrong("wrong type for value; expected int; got " + kind_of(v));
}

bool is_number(const Value& v) { return v.is_int64() || v.is_uint64() || v.is_double(); }
double as_double(const Value& v) {
    return v.is_int64()    ? static_cast<double>(v.get_int64())
           : v.is_uint64() ? static_cast<double>(v.get_uint64())
                           : v.get_double();
}

Result<std::partial_ordering> compare(const Value& a, const Value& b) {
    if (a.is_int64() && b.is_int64()) return std::partial_ordering(a.get_int64() <=> b.get_int64());
    if (is_number(a) && is_number(b)) return as_double(a) <=> as_double(b);
    if (a.is_string() && b.is_string()) return std::partial_ordering(a.get_string().compare(b.get_string()) <=> 0);
    return wrong("incompatible types for comparison");
}

Result<bool> equal(const Value& a, const Value& b) {
    if (a.is_bool() && b.is_bool()) return a.get_bool() == b.get_bool();
    if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
    if (a.is_structured() || b.is_structured()) return wrong("non-comparable type: " + kind_of(a));
    return TRY(compare(a, b)) == 0;
}

std::string mapped(std::string_view text, int (*change)(int)) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(change(static_cast<unsigned char>(c)));
    return out;
}

Result<Value> fn_json(Arguments a) { return Value(boost::json::serialize(a[0])); }
Result<Value> fn_lower(Arguments a) { return Value(mapped(TRY(text_argument(a[0])), std::tolower)); }
Result<Value> fn_upper(Arguments a) { return Value(mapped(TRY(text_argument(a[0])), std::toupper)); }
Result<Value> fn_title(Arguments a) {
    std::string out(TRY(text_argument(a[0])));
    bool start = true;
    for (char& c : out) {
        if (start) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        start = !std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '\'';
    }
    return Value(out);
}
Result<Value> fn_split(Arguments a) {
    std::string_view text = TRY(text_argument(a[0]));
    std::string_view by = TRY(text_argument(a[1]));
    boost::json::array out;
    if (by.empty()) {
        for (char c : text) out.emplace_back(std::string(1, c));
        return Value(out);
    }
    for (size_t at; (at = text.find(by)) != text.npos; text.remove_prefix(at + by.size()))
        out.emplace_back(text.substr(0, at));
    out.emplace_back(text);
    return Value(out);
}
Result<Value> fn_join(Arguments a) {
    std::string_view by = TRY(text_argument(a[1]));
    if (a[0].is_null()) return Value("");
    if (!a[0].is_array()) return wrong("wrong type for value; expected []string; got " + kind_of(a[0]));
    std::string out;
    for (const Value& v : a[0].get_array()) {
        if (&v != a[0].get_array().data()) out += by;
        out += to_text(v);
    }
    return Value(out);
}
Result<Value> fn_truncate(Arguments a) {
    std::string_view text = TRY(text_argument(a[0]));
    int64_t length = TRY(number_argument(a[1]));
    return Value(text.substr(0, static_cast<size_t>(std::max<int64_t>(length, 0))));
}
Result<Value> fn_pad(Arguments a) {
    std::string text(TRY(text_argument(a[0])));
    if (text.empty()) return Value(text);
    auto before = static_cast<size_t>(std::clamp<int64_t>(TRY(number_argument(a[1])), 0, 4096));
    auto after = static_cast<size_t>(std::clamp<int64_t>(TRY(number_argument(a[2])), 0, 4096));
    return Value(std::string(before, ' ') + text + std::string(after, ' '));
}
Result<Value> fn_len(Arguments a) {
    const Value& v = a[0];
    if (v.is_string()) return Value(static_cast<int64_t>(v.get_string().size()));
    if (v.is_array()) return Value(static_cast<int64_t>(v.get_array().size()));
    if (v.is_object()) return Value(static_cast<int64_t>(v.get_object().size()));
    if (v.is_null()) return Value(int64_t{0}); // a nil list or map
    return wrong("error calling len: len of type " + kind_of(v));
}
// A key that a map of strings lacks gives "", as in Go; other maps give nothing.
Value missing_element(const boost::json::object& map) {
    bool strings = std::ranges::all_of(map, [](const auto& entry) { return entry.value().is_string(); });
    return strings ? Value("") : Value(nullptr);
}
Result<Value> fn_index(Arguments a) {
    Value current = a[0];
    for (const Value& key : a.subspan(1)) {
        if (current.is_object()) {
            std::string_view name = TRY(text_argument(key));
            const Value* found = current.get_object().if_contains(name);
            Value next = found ? *found : missing_element(current.get_object());
            current = std::move(next);
        } else if (current.is_array()) {
            int64_t i = TRY(number_argument(key));
            if (i < 0 || static_cast<size_t>(i) >= current.get_array().size())
                return wrong("error calling index: index out of range: " + std::to_string(i));
            Value next = current.get_array()[static_cast<size_t>(i)];
            current = std::move(next);
        } else if (current.is_string()) {
            int64_t i = TRY(number_argument(key));
            if (i < 0 || static_cast<size_t>(i) >= current.get_string().size())
                return wrong("error calling index: index out of range: " + std::to_string(i));
            current = static_cast<int64_t>(static_cast<unsigned char>(current.get_string()[static_cast<size_t>(i)]));
        } else if (current.is_null()) {
            return key.is_string() ? Result<Value>(Value("")) : wrong("error calling index: index of untyped nil");
        } else {
            return wrong("error calling index: can't index item of type " + kind_of(current));
        }
    }
    return current;
}
Result<Value> fn_slice(Arguments a) {
    size_t size = a[0].is_string() ? a[0].get_string().size() : a[0].is_array() ? a[0].get_array().size() : 0;
    if (!a[0].is_string() && !a[0].is_array())
        return wrong("error calling slice: can't slice item of type " + kind_of(a[0]));
    int64_t from = a.size() > 1 ? TRY(number_argument(a[1])) : 0;
    int64_t to = a.size() > 2 ? TRY(number_argument(a[2])) : static_cast<int64_t>(size);
    if (from < 0 || to < from || static_cast<size_t>(to) > size)
        return wrong("error calling slice: index out of range: " + std::to_string(to));
    if (a[0].is_string())
        return Value(
            std::string_view(a[0].get_string()).substr(static_cast<size_t>(from), static_cast<size_t>(to - from)));
    const auto& array = a[0].get_array();
    return Value(boost::json::array(array.begin() + from, array.begin() + to));
}
Result<Value> fn_not(Arguments a) { return Value(!truth(a[0])); }
Result<Value> fn_eq(Arguments a) {
    for (const Value& other : a.subspan(1))
        if (TRY(equal(a[0], other))) return Value(true);
    return Value(false);
}
Result<Value> fn_ne(Arguments a) { return Value(!TRY(equal(a[0], a[1]))); }
Result<Value> fn_lt(Arguments a) { return Value(TRY(compare(a[0], a[1])) < 0); }
Result<Value> fn_le(Arguments a) { return Value(TRY(compare(a[0], a[1])) <= 0); }
Result<Value> fn_gt(Arguments a) { return Value(TRY(compare(a[0], a[1])) > 0); }
Result<Value> fn_ge(Arguments a) { return Value(TRY(compare(a[0], a[1])) >= 0); }
Result<Value> fn_print(Arguments a) {
    std::string out; // a space between two that are both no strings, as fmt.Sprint
    for (size_t i = 0; i < a.size(); ++i) {
        if (i > 0 && !a[i].is_string() && !a[i - 1].is_string()) out += ' ';
        out += to_text(a[i]);
    }
    return Value(out);
}
Result<Value> fn_println(Arguments a) {
    std::string out;
    for (size_t i = 0; i < a.size(); ++i) out += (i > 0 ? " " : "") + to_text(a[i]);
    return Value(out + "\n");
}
Result<Value> fn_printf(Arguments a) { return Value(format_text(TRY(text_argument(a[0])), a.subspan(1))); }

struct Function {
    std::string_view name;
    size_t least, most;
    Result<Value> (*call)(Arguments);
};
constexpr size_t any = 64;
constexpr Function functions[] = {
    {"eq", 2, any, fn_eq},         {"ge", 2, 2, fn_ge},
    {"gt", 2, 2, fn_gt},           {"index", 1, any, fn_index},
    {"join", 2, 2, fn_join},       {"json", 1, 1, fn_json},
    {"le", 2, 2, fn_le},           {"len", 1, 1, fn_len},
    {"lower", 1, 1, fn_lower},     {"lt", 2, 2, fn_lt},
    {"ne", 2, 2, fn_ne},           {"not", 1, 1, fn_not},
    {"pad", 3, 3, fn_pad},         {"print", 0, any, fn_print},
    {"printf", 1, any, fn_printf}, {"println", 0, any, fn_println},
    {"slice", 1, 3, fn_slice},     {"split", 2, 2, fn_split},
    {"title", 1, 1, fn_title},     {"truncate", 2, 2, fn_truncate},
    {"upper", 1, 1, fn_upper},
};

const Function* find(std::string_view name) {
    const auto* found = std::ranges::find(functions, name, &Function::name);
    return found == std::end(functions) ? nullptr : found;
}

void print_double(double v, std::string& out) {
    char buffer[64];
    double size = std::fabs(v);
    bool exponent = size != 0 && (size < 1e-4 || size >= 1e21);
    auto r = std::to_chars(buffer, buffer + sizeof buffer, v,
                           exponent ? std::chars_format::scientific : std::chars_format::fixed);
    out.append(buffer, r.ptr);
}

void print(const Value& v, std::string& out) {
    switch (v.kind()) {
    case boost::json::kind::null: out += "<nil>"; break;
    case boost::json::kind::bool_: out += v.get_bool() ? "true" : "false"; break;
    case boost::json::kind::int64: out += std::to_string(v.get_int64()); break;
    case boost::json::kind::uint64: out += std::to_string(v.get_uint64()); break;
    case boost::json::kind::double_: print_double(v.get_double(), out); break;
    case boost::json::kind::string: out.append(v.get_string().data(), v.get_string().size()); break;
    case boost::json::kind::array:
        out += '[';
        for (const Value& e : v.get_array()) {
            if (&e != v.get_array().data()) out += ' ';
            print(e, out);
        }
        out += ']';
        break;
    case boost::json::kind::object: {
        std::vector<std::string_view> keys;
        for (const auto& entry : v.get_object()) keys.push_back(entry.key());
        std::ranges::sort(keys);
        out += "map[";
        for (size_t i = 0; i < keys.size(); ++i) {
            out.append(i > 0 ? " " : "").append(keys[i]).append(":");
            print(v.get_object().at(keys[i]), out);
        }
        out += ']';
        break;
    }
    }
}

} // namespace

std::string to_text(const Value& value) {
    std::string out;
    print(value, out);
    return out;
}

bool truth(const Value& v) {
    if (v.is_bool()) return v.get_bool();
    if (v.is_string()) return !v.get_string().empty();
    if (v.is_array()) return !v.get_array().empty();
    if (v.is_object()) return !v.get_object().empty();
    return is_number(v) && as_double(v) != 0;
}

bool is_function(std::string_view name) { return name == "and" || name == "or" || find(name); }

Result<Value> call_function(std::string_view name, std::span<const Value> arguments) {
    const Function* f = find(name);
    if (!f) return wrong("function \"" + std::string(name) + "\" not defined");
    if (arguments.size() < f->least || arguments.size() > f->most)
        return wrong("wrong number of args for " + std::string(name) + ": want " + (f->most == any ? "at least " : "") +
                     std::to_string(f->least) + " got " + std::to_string(arguments.size()));
    return f->call(arguments);
}

} // namespace hull::gotemplate
