// Strong types: a value of one meaning can't be passed where another is expected.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace hull {

// A text with a meaning. Construction is explicit; str() gives the text.
template <class Tag>
class StrongString {
public:
    StrongString() = default;
    explicit StrongString(std::string text) : text_(std::move(text)) {}
    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const StrongString&) const = default;

private:
    std::string text_;
};

// A number with a meaning.
template <class Tag, class N>
class StrongNumber {
public:
    constexpr StrongNumber() = default;
    constexpr explicit StrongNumber(N value) : value_(value) {}
    constexpr N get() const { return value_; }
    constexpr auto operator<=>(const StrongNumber&) const = default;

private:
    N value_{};
};

using ContainerId = StrongString<struct ContainerIdTag>; // 64 hex digits
using ExecId = StrongString<struct ExecIdTag>;           // 64 hex digits
using HostUid = StrongNumber<struct HostUidTag, unsigned>;
using ContainerUid = StrongNumber<struct ContainerUidTag, unsigned>;

} // namespace hull

template <class Tag>
struct std::hash<hull::StrongString<Tag>> {
    size_t operator()(const hull::StrongString<Tag>& s) const { return std::hash<std::string>()(s.str()); }
};
