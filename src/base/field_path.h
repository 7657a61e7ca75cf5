// Errors about a field of a JSON document, named by its path:
// `process.rlimits[0].type: "RLIMIT_X": unknown rlimit`.
//
// The innermost function says its own part (".type: ..."), each caller puts its
// part in front, and the outermost one takes the first dot away. Nothing is
// made as long as all is well.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hull {

// invalid_argument: ".name: <value>: <rule>"; no name: the element itself. A
// value that is long is cut.
Error bad_field(std::string_view name, std::string_view value, std::string_view rule);
Error bad_number_field(std::string_view name, const std::string& value, std::string_view rule);
template <std::integral T>
Error bad_field(std::string_view name, T value, std::string_view rule) {
    return bad_number_field(name, std::to_string(value), rule);
}
// The same where no value is to be shown: ".name: <rule>".
Error bad_field(std::string_view name, std::string_view rule);

// The error of a member, or of an element: its path grows by ".name" or
// "[index]" in front. A message without a path is what follows the path.
Error&& in_member(Error&& error, std::string_view name);
Error&& in_element(Error&& error, size_t index);
// The path is complete: without its first dot.
Error&& whole_path(Error&& error);

template <class T>
Result<T> in_member(Result<T> result, std::string_view name) {
    if (!result.ok()) [[unlikely]]
        return in_member(std::move(result).error(), name);
    return result;
}
template <class T>
Result<T> in_element(Result<T> result, size_t index) {
    if (!result.ok()) [[unlikely]]
        return in_element(std::move(result).error(), index);
    return result;
}
template <class T>
Result<T> whole_path(Result<T> result) {
    if (!result.ok()) [[unlikely]]
        return whole_path(std::move(result).error());
    return result;
}

} // namespace hull
