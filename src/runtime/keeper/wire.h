// Bytes of messages and state: little-endian numbers, texts with a 32-bit
// length. A Reader takes nothing on trust: it remembers that it ran over the
// end, and everything read after that is zero or empty.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace hull::keeper {

class Writer {
public:
    template <class N>
        requires std::is_integral_v<N> || std::is_enum_v<N>
    void number(N value) {
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        out_.append(bytes, sizeof value);
    }
    void text(std::string_view value) {
        number(static_cast<uint32_t>(value.size()));
        out_.append(value);
    }
    std::string take() { return std::move(out_); }
    size_t size() const { return out_.size(); }

private:
    std::string out_;
};

class Reader {
public:
    explicit Reader(std::string_view bytes) : in_(bytes) {}

    template <class N>
        requires std::is_integral_v<N> || std::is_enum_v<N>
    void number(N& value) {
        if (in_.size() < sizeof value) return fail();
        if constexpr (std::is_same_v<N, bool>)
            value = in_[0] != 0;
        else
            std::memcpy(&value, in_.data(), sizeof value);
        in_.remove_prefix(sizeof value);
    }
    void text(std::string& value) {
        uint32_t size = 0;
        number(size);
        if (size > in_.size()) return fail();
        value.assign(in_.substr(0, size));
        in_.remove_prefix(size);
    }
    // The length of a list; each element takes at least one byte.
    size_t count() {
        uint32_t n = 0;
        number(n);
        if (n > in_.size()) {
            fail();
            return 0;
        }
        return n;
    }
    void fail() {
        failed_ = true;
        in_ = {};
    }
    bool failed() const { return failed_; }
    // corrupt unless everything was there and nothing is left over.
    Result<void> finish(std::string_view what) const {
        if (failed_ || !in_.empty()) return Error(ErrorKind::corrupt, "malformed " + std::string(what));
        return {};
    }

private:
    std::string_view in_;
    bool failed_ = false;
};

// One description of a type's fields serves both directions: fields(io, value)
// is called with a Writer or a Reader.
template <class N>
    requires std::is_integral_v<N> || std::is_enum_v<N>
void field(Writer& io, const N& value) {
    io.number(value);
}
template <class N>
    requires std::is_integral_v<N> || std::is_enum_v<N>
void field(Reader& io, N& value) {
    io.number(value);
}
inline void field(Writer& io, const std::string& value) { io.text(value); }
inline void field(Reader& io, std::string& value) { io.text(value); }

template <class T>
void field(Writer& io, const std::vector<T>& list) {
    io.number(static_cast<uint32_t>(list.size()));
    for (const T& element : list) field(io, element);
}
template <class T>
void field(Reader& io, std::vector<T>& list) {
    size_t n = io.count();
    list.clear();
    for (size_t i = 0; i < n && !io.failed(); ++i) field(io, list.emplace_back());
}

// A struct says its fields in fields(io, value), found by its namespace:
//   void fields(auto& io, Of<Foo> auto& foo) { all(io, foo.a, foo.b); }
template <class T, class Plain>
concept Of = std::is_same_v<std::remove_const_t<T>, Plain>;
template <class Io, class T>
    requires requires(Io& io, T& value) { fields(io, value); }
void field(Io& io, T& value) {
    fields(io, value);
}

template <class Io, class... T>
void all(Io& io, T&... values) {
    (field(io, values), ...);
}

template <class T>
std::string to_bytes(const T& value) {
    Writer io;
    field(io, value);
    return io.take();
}
template <class T>
Result<T> from_bytes(std::string_view bytes, std::string_view what) {
    Reader io(bytes);
    T value{};
    field(io, value);
    TRY(io.finish(what));
    return value;
}

} // namespace hull::keeper
