#include "http/message.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hull::http {

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

constexpr std::array<std::pair<std::string_view, Method>, 6> methods{{
    {"GET", Method::get},
    {"HEAD", Method::head},
    {"POST", Method::post},
    {"PUT", Method::put},
    {"DELETE", Method::delete_},
    {"OPTIONS", Method::options},
}};

constexpr std::pair<int, std::string_view> reasons[] = {
    {100, "Continue"},
    {101, "UPGRADED"}, // what the Docker engine says instead of "Switching Protocols"
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Request Entity Too Large"},
    {416, "Requested Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

} // namespace

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool equal_without_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

Method parse_method(std::string_view text) {
    for (const auto& [name, method] : methods)
        if (name == text) return method;
    return Method::other;
}

std::string_view to_string(Method method) {
    for (const auto& [name, value] : methods)
        if (value == method) return name;
    return "?";
}

std::string_view Headers::get(std::string_view name) const {
    for (const Header& line : lines_)
        if (equal_without_case(line.name, name)) return line.value;
    return {};
}

bool Headers::has(std::string_view name) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const Header& line) { return equal_without_case(line.name, name); });
}

bool Headers::has_token(std::string_view name, std::string_view word) const {
    for (const Header& line : lines_) {
        if (!equal_without_case(line.name, name)) continue;
        std::string_view rest = line.value;
        while (!rest.empty()) {
            size_t comma = rest.find(',');
            if (equal_without_case(trim(rest.substr(0, comma)), word)) return true;
            rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
        }
    }
    return false;
}

void Headers::set(std::string name, std::string value) {
    std::erase_if(lines_, [&](const Header& line) { return equal_without_case(line.name, name); });
    add(std::move(name), std::move(value));
}

std::string_view reason_of(int status) {
    for (const auto& [number, text] : reasons)
        if (number == status) return text;
    return "Status";
}

} // namespace hull::http
