#include "apps/hull/client/json_access.h"

#include "codec/json.h"

namespace hull::cli {

const Json* at(const Json& value, std::string_view path) {
    const Json* current = &value;
    while (!path.empty()) {
        if (!current->is_object()) return nullptr;
        size_t dot = path.find('.');
        current = current->get_object().if_contains(path.substr(0, dot));
        if (!current) return nullptr;
        path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
    }
    return current;
}

std::string text(const Json& value, std::string_view path) {
    const Json* found = at(value, path);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

int64_t number(const Json& value, std::string_view path) {
    const Json* found = at(value, path);
    if (!found) return 0;
    if (found->is_int64()) return found->get_int64();
    if (found->is_uint64()) return static_cast<int64_t>(found->get_uint64());
    return found->is_double() ? static_cast<int64_t>(found->get_double()) : 0;
}

double real(const Json& value, std::string_view path) {
    const Json* found = at(value, path);
    if (!found) return 0;
    if (found->is_double()) return found->get_double();
    if (found->is_uint64()) return static_cast<double>(found->get_uint64());
    return found->is_int64() ? static_cast<double>(found->get_int64()) : 0;
}

bool boolean(const Json& value, std::string_view path) {
    const Json* found = at(value, path);
    return found && found->is_bool() && found->get_bool();
}

const boost::json::array& list(const Json& value, std::string_view path) {
    static const boost::json::array none;
    const Json* found = at(value, path);
    return found && found->is_array() ? found->get_array() : none;
}

const boost::json::object& object(const Json& value, std::string_view path) {
    static const boost::json::object none;
    const Json* found = at(value, path);
    return found && found->is_object() ? found->get_object() : none;
}

Result<Json> read_json(std::string_view text, std::string_view what) {
    auto value = json::parse(text);
    if (!value.ok()) return Error(ErrorKind::corrupt, std::string(what) + ": " + value.error().message());
    return value;
}

} // namespace hull::cli
