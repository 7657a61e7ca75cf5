#include "apps/hull/commands/indent.h"

namespace hull::cli {

namespace {

void print_value(const Json& value, std::string& out, size_t level);

template <class Items, class Each>
void print_items(const Items& items, char open, char close, std::string& out, size_t level, Each each) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
        out.append(first ? "\n" : ",\n").append((level + 1) * 4, ' ');
        each(item);
        first = false;
    }
    if (!first) out.append("\n").append(level * 4, ' ');
    out += close;
}

void print_value(const Json& value, std::string& out, size_t level) {
    if (value.is_array()) {
        print_items(value.get_array(), '[', ']', out, level,
                    [&](const Json& item) { print_value(item, out, level + 1); });
    } else if (value.is_object()) {
        print_items(value.get_object(), '{', '}', out, level, [&](const auto& item) {
            out += boost::json::serialize(Json(item.key())) + ": ";
            print_value(item.value(), out, level + 1);
        });
    } else if (value.is_double()) {
        // Whole doubles print as in Go, without an exponent.
        out += value.get_double() == static_cast<double>(static_cast<int64_t>(value.get_double()))
                   ? std::to_string(static_cast<int64_t>(value.get_double()))
                   : boost::json::serialize(value);
    } else {
        out += boost::json::serialize(value);
    }
}

} // namespace

std::string indented(const Json& value) {
    std::string out;
    print_value(value, out, 0);
    return out;
}

} // namespace hull::cli
