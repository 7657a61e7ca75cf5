#include "logs/address.h"

#include <algorithm>
#include <charconv>

namespace hull::logs {

Result<Address> parse_address(std::string_view text, std::string_view default_port) {
    Address out;
    if (size_t mark = text.find("://"); mark != text.npos) {
        out.scheme = text.substr(0, mark);
        text.remove_prefix(mark + 3);
    }
    if (out.scheme == "unix" || out.scheme == "unixgram") {
        if (!text.starts_with('/')) return invalid("invalid address \"" + std::string(text) + "\": not a path");
        out.host = text;
        return out;
    }
    if (size_t slash = text.find('/'); slash != text.npos) {
        if (slash + 1 != text.size()) return invalid("invalid address \"" + std::string(text) + "\": it has a path");
        text = text.substr(0, slash);
    }
    out.port = default_port;
    size_t colon = text.rfind(':');
    if (text.starts_with('[')) {
        size_t end = text.find(']');
        if (end == text.npos) return invalid("invalid address \"" + std::string(text) + "\": missing ']'");
        out.host = text.substr(1, end - 1);
        colon = end + 1 < text.size() && text[end + 1] == ':' ? end + 1 : text.npos;
    } else {
        out.host = text.substr(0, colon);
    }
    if (colon != text.npos) out.port = text.substr(colon + 1);
    bool digits = !out.port.empty() && out.port.size() <= 5 &&
                  out.port.find_first_not_of("0123456789") == std::string::npos && std::stoi(out.port) <= 65535;
    if (!digits) return invalid("invalid address \"" + std::string(text) + "\": invalid port " + out.port);
    return out;
}

Result<bool> parse_switch(std::string_view option, const std::string& value) {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (value == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (value == no) return false;
    return invalid("invalid value for " + std::string(option) + ": strconv.ParseBool: parsing \"" + value +
                   "\": invalid syntax");
}

Result<int64_t> parse_count(std::string_view option, const std::string& value) {
    int64_t number = 0;
    auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc() || end != value.data() + value.size() || number < 0)
        return invalid("invalid value for " + std::string(option) + ": \"" + value + "\" is not a number");
    return number;
}

Result<int64_t> parse_duration_ms(std::string_view option, const std::string& value) {
    auto bad = [&] {
        return invalid("invalid value for " + std::string(option) + ": time: invalid duration \"" + value + "\"");
    };
    if (value.empty() || value.size() > 64) return bad();
    double total = 0;
    const char* at = value.data();
    const char* end = at + value.size();
    while (at != end) {
        double number = 0;
        auto read = std::from_chars(at, end, number, std::chars_format::fixed);
        if (read.ec != std::errc() || number < 0) return bad();
        const char* unit_end = std::find_if(read.ptr, end, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
        std::string_view unit(read.ptr, static_cast<size_t>(unit_end - read.ptr));
        double factor = unit == "h"    ? 3'600'000
                        : unit == "m"  ? 60'000
                        : unit == "s"  ? 1000
                        : unit == "ms" ? 1
                        : unit == "us" ? 1e-3
                        : unit == "ns" ? 1e-6
                                       : -1;
        if (factor < 0) return bad();
        total += number * factor;
        at = unit_end;
    }
    if (total > 1e12) return bad();
    return static_cast<int64_t>(total);
}

} // namespace hull::logs
