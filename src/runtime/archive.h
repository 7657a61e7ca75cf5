// Bytes <-> values for the plan and the report: little-endian integers of
// their own width, 32-bit length before texts and lists, one byte before an
// optional. A struct says its members once:
//
//   template <class A> void members(A& a, Foo& foo) { a(foo.x, foo.y); }
//
// found by argument-dependent look-up in namespace hull::runtime. Enums need
// max_value(E) so that no other value comes in.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace hull::runtime {

class ArchiveWriter {
public:
    template <class... T>
    void operator()(const T&... values) {
        (put(values), ...);
    }
    std::string take() { return std::move(out_); }

private:
    template <std::integral N>
    void put(N value) {
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    template <class E>
        requires std::is_enum_v<E>
    void put(E value) {
        put(static_cast<std::underlying_type_t<E>>(value));
    }
    void put(const std::string& text) {
        put(static_cast<uint32_t>(text.size()));
        out_.append(text);
    }
    template <class T>
    void put(const std::vector<T>& list) {
        put(static_cast<uint32_t>(list.size()));
        for (const auto& element : list) put(element);
    }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class T>
        requires std::is_class_v<T>
    void put(const T& object) {
        members(*this, const_cast<T&>(object));
    }
    std::string out_;
};

// After the first thing that isn't right everything reads as empty, and ok()
// is false.
class ArchiveReader {
public:
    explicit ArchiveReader(std::string_view bytes) : in_(bytes) {}
    template <class... T>
    void operator()(T&... values) {
        (get(values), ...);
    }
    // All was right, and nothing is left over.
    bool complete() const { return ok_ && in_.empty(); }
    bool ok() const { return ok_; }

private:
    template <std::integral N>
    void get(N& value) {
        if (in_.size() < sizeof value) return fail();
        std::memcpy(&value, in_.data(), sizeof value);
        in_.remove_prefix(sizeof value);
    }
    void get(bool& value) {
        uint8_t byte = 0;
        get(byte);
        if (byte > 1) return fail();
        value = byte == 1;
    }
    template <class E>
        requires std::is_enum_v<E>
    void get(E& value) {
        std::underlying_type_t<E> number{};
        get(number);
        if (number > static_cast<std::underlying_type_t<E>>(max_value(E{}))) return fail();
        value = static_cast<E>(number);
    }
    void get(std::string& text) {
        uint32_t size = 0;
        get(size);
        if (size > in_.size()) return fail();
        text.assign(in_.substr(0, size));
        in_.remove_prefix(size);
    }
    template <class T>
    void get(std::vector<T>& list) {
        uint32_t count = 0;
        get(count);
        list.clear();
        // Each element takes bytes, so a false count ends at the end of them.
        for (uint32_t i = 0; i < count && ok_; ++i) {
            T element{};
            get(element);
            if (ok_) list.push_back(std::move(element));
        }
    }
    template <class T>
    void get(std::optional<T>& value) {
        bool has = false;
        get(has);
        value.reset();
        if (!has || !ok_) return;
        value.emplace();
        get(*value);
    }
    template <class T>
        requires std::is_class_v<T>
    void get(T& object) {
        members(*this, object);
    }
    void fail() {
        ok_ = false;
        in_ = {};
    }
    std::string_view in_;
    bool ok_ = true;
};

} // namespace hull::runtime
