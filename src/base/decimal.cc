#include "base/decimal.h"

#include <charconv>
#include <limits>

namespace hull {

namespace {

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

// How many digits there were; value grows by them.
int take_digits(std::string_view& text, double& value) {
    int count = 0;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), ++count)
        value = value * 10 + (text[0] - '0');
    return count;
}

} // namespace

std::optional<double> decimal_of(std::string_view text) {
    const bool negative = take(text, '-');
    double value = 0;
    const int whole = take_digits(text, value);
    const int behind = take(text, '.') ? take_digits(text, value) : 0;
    if (whole + behind == 0) return std::nullopt;
    int exponent = 0;
    if (take(text, 'e') || take(text, 'E')) {
        if (take(text, '+') && text.starts_with('-')) return std::nullopt;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
        if (error != std::errc{} || exponent > 400 || exponent < -400) return std::nullopt;
        text.remove_prefix(static_cast<size_t>(end - text.data()));
    }
    if (!text.empty()) return std::nullopt;
    exponent -= behind;
    double scale = 1; // a power of ten up to 10^22 is exact, and so is one division by it
    for (int i = exponent < 0 ? -exponent : exponent; i > 0 && value != 0; --i) scale *= 10;
    value = exponent < 0 ? value / scale : value * scale;
    if (!(value <= std::numeric_limits<double>::max())) return std::nullopt;
    return negative ? -value : value;
}

} // namespace hull
