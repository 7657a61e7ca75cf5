#include "http/uri.h"

#include <algorithm>

namespace hull::http {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '~';
}

} // namespace

Result<std::string> percent_decode(std::string_view text, Plus plus) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::space) {
            out.push_back(' ');
        } else if (text[i] != '%') {
            out.push_back(text[i]);
        } else {
            int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return Error(ErrorKind::invalid_argument,
                             "invalid URL escape \"" + std::string(text.substr(i, 3)) + "\"");
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    static constexpr char hex[] = "0123456789ABCDEF";
    std::string out;
    for (char c : text) {
        if (unreserved(c)) {
            out.push_back(c);
        } else {
            auto u = static_cast<unsigned char>(c);
            out.push_back('%');
            out.push_back(hex[u >> 4]);
            out.push_back(hex[u & 15]);
        }
    }
    return out;
}

Result<Query> Query::parse(std::string_view text) {
    Query query;
    while (!text.empty()) {
        size_t end = text.find('&');
        std::string_view pair = text.substr(0, end);
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
        if (pair.empty()) continue;
        size_t equals = pair.find('=');
        std::string name = TRY(percent_decode(pair.substr(0, equals), Plus::space));
        std::string value;
        if (equals != pair.npos) value = TRY(percent_decode(pair.substr(equals + 1), Plus::space));
        query.add(std::move(name), std::move(value));
    }
    return query;
}

const std::string& Query::get(std::string_view name) const {
    static const std::string none;
    for (const auto& [key, value] : pairs_)
        if (key == name) return value;
    return none;
}

bool Query::has(std::string_view name) const {
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> Query::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : pairs_)
        if (key == name) values.push_back(value);
    return values;
}

Result<Target> parse_target(std::string_view target) {
    if (!target.starts_with('/')) {
        size_t scheme = target.find("://");
        if (scheme == target.npos)
            return Error(ErrorKind::invalid_argument, "invalid request target \"" + std::string(target) + "\"");
        size_t slash = target.find('/', scheme + 3);
        target = slash == target.npos ? "/" : target.substr(slash);
    }
    size_t question = target.find('?');
    Target out;
    out.path = TRY(percent_decode(target.substr(0, question)));
    if (question != target.npos) out.query = TRY(Query::parse(target.substr(question + 1)));
    return out;
}

} // namespace hull::http
