#include "base/field_path.h"

namespace hull {

namespace {

std::string quoted(std::string_view value) {
    constexpr size_t longest = 64;
    std::string text = "\"";
    for (char c : value.substr(0, longest)) text += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
    return text + (value.size() > longest ? "\"..." : "\"");
}

Error about(std::string_view name, std::string_view value, std::string_view rule) {
    std::string text;
    if (!name.empty()) text.append(".").append(name).append(": ");
    if (!value.empty()) text.append(value).append(": ");
    text.append(rule);
    return {ErrorKind::invalid_argument, std::move(text)};
}

bool has_path(const Error& error) { return error.message().starts_with('.') || error.message().starts_with('['); }

Error&& with_step(Error&& error, const std::string& step) {
    std::string text = step + (has_path(error) ? "" : ": ") + error.message();
    error = Error(error.kind(), std::move(text)).with_code(error.code());
    return std::move(error);
}

} // namespace

Error bad_field(std::string_view name, std::string_view value, std::string_view rule) {
    return about(name, quoted(value), rule);
}

Error bad_number_field(std::string_view name, const std::string& value, std::string_view rule) {
    return about(name, value, rule);
}

Error bad_field(std::string_view name, std::string_view rule) { return about(name, {}, rule); }

Error&& in_member(Error&& error, std::string_view name) { return with_step(std::move(error), "." + std::string(name)); }

Error&& in_element(Error&& error, size_t index) {
    return with_step(std::move(error), "[" + std::to_string(index) + "]");
}

Error&& whole_path(Error&& error) {
    if (error.message().starts_with('.'))
        error = Error(error.kind(), error.message().substr(1)).with_code(error.code());
    return std::move(error);
}

} // namespace hull
