// JSON <-> structs.
//
// A struct says once which member goes by which JSON name:
//
//   template <> struct json::Fields<Foo> {
//       static constexpr auto list = std::tuple{
//           json::field("Name", &Foo::name),
//           json::field("Labels", &Foo::labels, json::Emit::omit_empty)};
//   };
//
// in the .cc file that reads or writes it (this header is heavy; keep it out
// of other headers). decode() then behaves like Go's encoding/json, which the
// clients of the Engine API are used to: unknown names are ignored, names match
// without regard to case (the exact one wins), null leaves the default, and a
// value of the wrong type is an invalid_argument Error naming the field by its
// path and the value: "mounts[1].options: invalid JSON: got string \"ro\", want
// array".
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <boost/json.hpp>

#include "base/field_path.h"
#include "base/result.h"
#include "base/strong.h"

namespace hull::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct Limits {
    size_t max_depth = 64;
    size_t max_bytes = size_t{64} << 20;
};

// The whole text must be one JSON value. Errors: invalid_argument (with the
// offset), too_large.
Result<Value> parse(std::string_view text, const Limits& limits = {});
// Compact, without HTML escaping.
std::string print(const Value& value);

enum class Emit : unsigned char {
    always,        // empty lists are [], empty maps {}, empty optionals null
    omit_empty,    // left out when it has the empty value of its type
    null_if_empty, // empty lists and maps are null, as a nil of Go
};

template <class Class, class Member>
struct Field {
    std::string_view name;
    Member Class::* member;
    Emit emit;
};
template <class Class, class Member>
constexpr Field<Class, Member> field(std::string_view name, Member Class::* member, Emit emit = Emit::always) {
    return {name, member, emit};
}

template <class T>
struct Fields; // specialise: static constexpr auto list = std::tuple{field(...)...}

// Specialise for types with a shape of their own (enums, unions of types):
//   static Value encode(const T&);
//   static Result<T> decode(const Value&);
//   static bool empty(const T&);
template <class T>
struct Codec;

namespace detail {

template <class T>
concept Described = requires { Fields<T>::list; };
template <class T>
concept Custom = requires(const Value& v) { Codec<T>::decode(v); };
template <class T>
concept TextLike = std::same_as<T, std::string>;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

const char* kind_name(const Value& v);
Error mismatch(const Value& v, std::string_view wanted);
// The member of o called name, without regard to case; nullptr when absent.
const Value* find(const Object& o, std::string_view name);

template <class T>
Result<void> decode_into(const Value& v, T& out);

template <class T>
struct is_strong : std::false_type {};
template <class Tag>
struct is_strong<StrongString<Tag>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T, class A>
struct is_vector<std::vector<T, A>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class V, class C, class A>
struct is_map<std::map<std::string, V, C, A>> : std::true_type {};

template <class T>
Result<void> decode_members(const Object& o, T& out) {
    std::optional<Error> failed;
    auto one = [&](const auto& f) {
        if (failed) return;
        const Value* v = find(o, f.name);
        if (!v || v->is_null()) return;
        auto r = decode_into(*v, out.*(f.member));
        if (!r.ok()) failed = in_member(std::move(r).error(), f.name);
    };
    std::apply([&](const auto&... f) { (one(f), ...); }, Fields<T>::list);
    if (failed) return std::move(*failed);
    return {};
}

template <class T>
Result<void> decode_into(const Value& v, T& out) {
    if constexpr (Custom<T>) {
        out = TRY(Codec<T>::decode(v));
    } else if constexpr (is_optional<T>::value) {
        if (v.is_null()) {
            out.reset();
        } else {
            typename T::value_type inner{};
            TRY(decode_into(v, inner));
            out = std::move(inner);
        }
    } else if constexpr (std::same_as<T, Value>) {
        out = v;
    } else if (v.is_null()) {
        out = T{};
    } else if constexpr (std::same_as<T, bool>) {
        if (!v.is_bool()) return mismatch(v, "bool");
        out = v.get_bool();
    } else if constexpr (TextLike<T>) {
        if (!v.is_string()) return mismatch(v, "string");
        out.assign(v.get_string().data(), v.get_string().size());
    } else if constexpr (is_strong<T>::value) {
        if (!v.is_string()) return mismatch(v, "string");
        out = T(std::string(v.get_string()));
    } else if constexpr (std::floating_point<T>) {
        if (v.is_double())
            out = static_cast<T>(v.get_double());
        else if (v.is_int64())
            out = static_cast<T>(v.get_int64());
        else if (v.is_uint64())
            out = static_cast<T>(v.get_uint64());
        else
            return mismatch(v, "number");
    } else if constexpr (Integer<T>) {
        if (v.is_int64()) {
            if (!std::in_range<T>(v.get_int64())) return mismatch(v, "a number in range");
            out = static_cast<T>(v.get_int64());
        } else if (v.is_uint64()) {
            if (!std::in_range<T>(v.get_uint64())) return mismatch(v, "a number in range");
            out = static_cast<T>(v.get_uint64());
        } else {
            return mismatch(v, "integer");
        }
    } else if constexpr (is_vector<T>::value) {
        if (!v.is_array()) return mismatch(v, "array");
        out.clear();
        out.reserve(v.get_array().size());
        size_t index = 0;
        for (const Value& element : v.get_array()) {
            typename T::value_type inner{};
            auto r = decode_into(element, inner);
            if (!r.ok()) return in_element(std::move(r).error(), index);
            out.push_back(std::move(inner));
            ++index;
        }
    } else if constexpr (is_map<T>::value) {
        if (!v.is_object()) return mismatch(v, "object");
        out.clear();
        for (const auto& [key, element] : v.get_object()) {
            typename T::mapped_type inner{};
            auto r = decode_into(element, inner);
            if (!r.ok()) return in_member(std::move(r).error(), std::string_view(key.data(), key.size()));
            out[std::string(key)] = std::move(inner);
        }
    } else {
        static_assert(Described<T>, "give the type a json::Fields or a json::Codec");
        if (!v.is_object()) return mismatch(v, "object");
        TRY(decode_members(v.get_object(), out));
    }
    return {};
}

template <class T>
bool is_empty(const T& value) {
    if constexpr (requires { Codec<T>::empty(value); })
        return Codec<T>::empty(value);
    else if constexpr (is_optional<T>::value)
        return !value.has_value();
    else if constexpr (std::same_as<T, Value>)
        return value.is_null();
    else if constexpr (requires { value.empty(); })
        return value.empty();
    else if constexpr (std::is_arithmetic_v<T>)
        return value == T{};
    else
        return false;
}

} // namespace detail

template <class T>
Value encode(const T& value);

// Adds value's members to an object that exists already (wire types that extend
// another type).
template <class T>
void encode_into(const T& value, Object& out) {
    auto one = [&](const auto& f) {
        const auto& member = value.*(f.member);
        if (f.emit != Emit::always && detail::is_empty(member)) {
            if (f.emit == Emit::null_if_empty) out[f.name] = nullptr;
            return;
        }
        out[f.name] = encode(member);
    };
    std::apply([&](const auto&... f) { (one(f), ...); }, Fields<T>::list);
}

template <class T>
Value encode(const T& value) {
    if constexpr (detail::Custom<T>) {
        return Codec<T>::encode(value);
    } else if constexpr (detail::is_optional<T>::value) {
        return value ? encode(*value) : Value(nullptr);
    } else if constexpr (std::same_as<T, Value>) {
        return value;
    } else if constexpr (detail::is_strong<T>::value) {
        return Value(value.str());
    } else if constexpr (detail::is_vector<T>::value) {
        Array array;
        array.reserve(value.size());
        for (const auto& element : value) array.push_back(encode<typename T::value_type>(element));
        return array;
    } else if constexpr (detail::is_map<T>::value) {
        Object object;
        for (const auto& [key, element] : value) object[key] = encode(element);
        return object;
    } else if constexpr (detail::Described<T>) {
        Object object;
        encode_into(value, object);
        return object;
    } else {
        return Value(value);
    }
}

template <class T>
Result<T> decode(const Value& value) {
    T out{};
    auto decoded = detail::decode_into(value, out);
    if (!decoded.ok()) return whole_path(std::move(decoded).error());
    return out;
}

template <class T>
Result<T> decode_text(std::string_view text, const Limits& limits = {}) {
    Value value = TRY(parse(text, limits));
    return decode<T>(value);
}

} // namespace hull::json
