#include "apps/hull-runtime/pretty.h"

namespace hull::oci_runtime {

namespace {

void print(const json::Value& value, std::string_view indent, const std::string& margin, std::string& out) {
    const std::string inner = margin + std::string(indent);
    bool first = true;
    auto begin_item = [&] {
        out += first ? "\n" : ",\n";
        out += inner;
        first = false;
    };
    if (value.is_object() && !value.get_object().empty()) {
        out += '{';
        for (const auto& [key, member] : value.get_object()) {
            begin_item();
            out += json::print(json::Value(key)) + ": ";
            print(member, indent, inner, out);
        }
        out += "\n" + margin + "}";
    } else if (value.is_array() && !value.get_array().empty()) {
        out += '[';
        for (const json::Value& element : value.get_array()) {
            begin_item();
            print(element, indent, inner, out);
        }
        out += "\n" + margin + "]";
    } else {
        out += json::print(value);
    }
}

} // namespace

std::string pretty(const json::Value& value, std::string_view indent) {
    std::string out;
    print(value, indent, "", out);
    return out;
}

} // namespace hull::oci_runtime
