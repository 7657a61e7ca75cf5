#include "apps/hull/gotemplate/printf.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include <boost/json.hpp>

namespace hull::gotemplate {

namespace {

constexpr size_t max_width = 4096;

struct Verb {
    bool minus = false, plus = false, space = false, zero = false, sharp = false;
    size_t width = 0;
    int precision = -1;
    char letter = 0;
};

const char* type_name(const Value& v) {
    if (v.is_string()) return "string";
    if (v.is_bool()) return "bool";
    if (v.is_int64() || v.is_uint64()) return "int";
    if (v.is_double()) return "float64";
    if (v.is_array()) return "[]interface {}";
    if (v.is_object()) return "map[string]interface {}";
    return "<nil>";
}

std::string padded(std::string text, const Verb& verb, bool numeric) {
    if (text.size() >= verb.width) return text;
    size_t missing = verb.width - text.size();
    if (verb.minus) return text.append(missing, ' ');
    if (!verb.zero || !numeric) return text.insert(0, missing, ' ');
    size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    return text.insert(sign, missing, '0');
}

std::string whole_number(const Value& v, const Verb& verb) {
    bool negative = v.is_int64() && v.get_int64() < 0;
    uint64_t size = v.is_uint64() ? v.get_uint64() : static_cast<uint64_t>(v.get_int64());
    if (negative) size = 0 - size;
    unsigned base = verb.letter == 'x' || verb.letter == 'X' ? 16
                    : verb.letter == 'o'                     ? 8
                    : verb.letter == 'b'                     ? 2
                                                             : 10;
    std::string digits;
    do digits += "0123456789abcdef"[size % base];
    while (size /= base);
    if (verb.letter == 'X')
        std::ranges::transform(digits, digits.begin(), [](unsigned char c) { return std::toupper(c); });
    if (verb.sharp && base == 16) digits += verb.letter == 'X' ? "X0" : "x0";
    if (negative)
        digits += '-';
    else if (verb.plus)
        digits += '+';
    else if (verb.space)
        digits += ' ';
    std::ranges::reverse(digits);
    return digits;
}

std::string real_number(double v, const Verb& verb) {
    char format[] = {'%', '.', '*', verb.letter == 'v' ? 'g' : verb.letter, '\0'};
    char out[512];
    int n = std::snprintf(out, sizeof out, format, std::min(verb.precision < 0 ? 6 : verb.precision, 100), v);
    std::string text(out, static_cast<size_t>(std::clamp(n, 0, 511)));
    return verb.plus && v >= 0 ? "+" + text : text;
}

std::string hexadecimal(std::string_view bytes, bool upper) {
    std::string out;
    const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (unsigned char c : bytes) (out += digits[c >> 4]) += digits[c & 15];
    return out;
}

std::string one(const Verb& verb, const Value& v) {
    bool whole = v.is_int64() || v.is_uint64();
    switch (verb.letter) {
    case 'T': return padded(type_name(v), verb, false);
    case 'v':
        if (whole) return padded(whole_number(v, verb), verb, true);
        [[fallthrough]];
    case 's':
        if (verb.letter == 's' && (whole || v.is_bool() || v.is_double())) break;
        {
            std::string text = to_text(v);
            if (v.is_string() && verb.precision >= 0)
                text.resize(std::min(text.size(), static_cast<size_t>(verb.precision)));
            return padded(text, verb, v.is_double());
        }
    case 'q':
        if (!v.is_string()) break;
        return padded(boost::json::serialize(v), verb, false);
    case 't':
        if (!v.is_bool()) break;
        return padded(to_text(v), verb, false);
    case 'c':
        if (!whole) break;
        return padded(std::string(1, static_cast<char>(v.to_number<int64_t>())), verb, false);
    case 'x':
    case 'X':
        if (v.is_string())
            return padded(hexadecimal(std::string_view(v.get_string()), verb.letter == 'X'), verb, false);
        [[fallthrough]];
    case 'd':
    case 'o':
    case 'b':
        if (!whole) break;
        return padded(whole_number(v, verb), verb, true);
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        if (!v.is_double()) break;
        return padded(real_number(v.get_double(), verb), verb, true);
    default: break;
    }
    return std::string("%!") + verb.letter + "(" + type_name(v) + "=" + to_text(v) + ")";
}

} // namespace

std::string format_text(std::string_view format, std::span<const Value> arguments) {
    std::string out;
    size_t next = 0;
    for (size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            out += format[i];
            continue;
        }
        Verb verb;
        for (++i; i < format.size(); ++i) {
            if (format[i] == '-')
                verb.minus = true;
            else if (format[i] == '+')
                verb.plus = true;
            else if (format[i] == ' ')
                verb.space = true;
            else if (format[i] == '0')
                verb.zero = true;
            else if (format[i] == '#')
                verb.sharp = true;
            else
                break;
        }
        auto number = [&](size_t& into) {
            if (i < format.size() && format[i] == '*') {
                ++i;
                if (next < arguments.size() && arguments[next].is_int64())
                    into = static_cast<size_t>(std::clamp<int64_t>(arguments[next].get_int64(), 0, max_width));
                ++next;
                return;
            }
            for (into = 0; i < format.size() && std::isdigit(static_cast<unsigned char>(format[i])); ++i)
                into = std::min(into * 10 + static_cast<size_t>(format[i] - '0'), max_width);
        };
        number(verb.width);
        if (i < format.size() && format[i] == '.') {
            ++i;
            size_t precision = 0;
            number(precision);
            verb.precision = static_cast<int>(precision);
        }
        if (i >= format.size()) return out + "%!(NOVERB)";
        verb.letter = format[i];
        if (verb.letter == '%')
            out += '%';
        else if (next >= arguments.size())
            out += std::string("%!") + verb.letter + "(MISSING)";
        else
            out += one(verb, arguments[next++]);
    }
    if (next < arguments.size()) {
        out += "%!(EXTRA ";
        for (size_t i = next; i < arguments.size(); ++i)
            out += std::string(i > next ? ", " : "") + type_name(arguments[i]) + "=" + to_text(arguments[i]);
        out += ")";
    }
    return out;
}

} // namespace hull::gotemplate
