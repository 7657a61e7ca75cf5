// Annotations: GVariant's text form, the part of it that properties need.

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/decimal.h"
#include "kernel/cgroup/systemd/properties.h"

namespace hull::kernel::cgroup::systemd {

namespace {

constexpr std::string_view prefix = "org.systemd.property.";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class VariantText {
public:
    explicit VariantText(std::string_view text) : rest_(text) { trim(); }

    // nullopt: not of the form.
    std::optional<Value> read() {
        auto value = read_value();
        return rest_.empty() ? value : std::nullopt;
    }

private:
    std::string_view rest_;

    void trim() {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }
    std::string_view word() {
        size_t end = 0;
        while (end < rest_.size() && !is_space(rest_[end]) && rest_[end] != ',' && rest_[end] != ']') ++end;
        std::string_view found = rest_.substr(0, end);
        rest_.remove_prefix(end);
        trim();
        return found;
    }
    bool starts_text() const { return !rest_.empty() && (rest_[0] == '\'' || rest_[0] == '"'); }

    std::optional<Value> read_value() {
        if (rest_.starts_with('[')) return read_list();
        if (starts_text()) return as_value(read_text());
        std::string_view first = word();
        if (first == "@as") return rest_.starts_with('[') ? read_list() : std::nullopt;
        if (first == "true" || first == "false") return Value(first == "true");
        if (first == "boolean" || first == "string") return read_named(first);
        if (!rest_.empty()) return read_number(first, word());
        return first.find('.') == first.npos ? read_number("int32", first) : read_number("double", first);
    }
    std::optional<Value> read_named(std::string_view type) {
        auto value = read_value();
        bool fits = value && (type == "string" ? std::holds_alternative<std::string>(*value)
                                               : std::holds_alternative<bool>(*value));
        return fits ? value : std::nullopt;
    }
    static std::optional<Value> as_value(std::optional<std::string> text) {
        return text ? std::optional<Value>(std::move(*text)) : std::nullopt;
    }
    std::optional<std::string> read_text() {
        char quote = rest_.front();
        std::string out;
        for (size_t at = 1; at < rest_.size(); ++at) {
            char c = rest_[at];
            if (c == quote) {
                rest_.remove_prefix(at + 1);
                trim();
                return out;
            }
            if (c == '\0') return std::nullopt;
            if (c == '\\') {
                if (++at == rest_.size()) return std::nullopt;
                char escaped = rest_[at];
                c = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
            }
            out += c;
        }
        return std::nullopt;
    }
    std::optional<Value> read_list() {
        std::vector<std::string> out;
        rest_.remove_prefix(1);
        trim();
        while (!rest_.starts_with(']')) {
            if (!starts_text()) return std::nullopt;
            auto text = read_text();
            if (!text) return std::nullopt;
            out.push_back(std::move(*text));
            if (rest_.starts_with(','))
                rest_.remove_prefix(1), trim();
            else if (!rest_.starts_with(']'))
                return std::nullopt;
        }
        rest_.remove_prefix(1);
        trim();
        return Value(std::move(out));
    }
    template <class N>
    static std::optional<Value> number(std::string_view text) {
        N value{};
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        return Value(value);
    }
    static std::optional<Value> fraction(std::string_view text) {
        std::optional<double> value = decimal_of(text);
        if (!value) return std::nullopt;
        return Value(*value);
    }
    static std::optional<Value> read_number(std::string_view type, std::string_view text) {
        if (type == "byte") return number<uint8_t>(text);
        if (type == "int16") return number<int16_t>(text);
        if (type == "uint16") return number<uint16_t>(text);
        if (type == "int32") return number<int32_t>(text);
        if (type == "uint32") return number<uint32_t>(text);
        if (type == "int64") return number<int64_t>(text);
        if (type == "uint64") return number<uint64_t>(text);
        if (type == "double") return fraction(text);
        return std::nullopt;
    }
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// TimeoutStopSec is what people write, TimeoutStopUSec what D-Bus knows.
bool in_seconds(std::string_view name) {
    return name.size() > 3 && name.ends_with("Sec") && name[name.size() - 4] >= 'a' && name[name.size() - 4] <= 'z';
}

std::optional<Value> to_microseconds(const Value& seconds) {
    constexpr double most = 1.8e13; // of 2^64 us
    return std::visit(
        [](const auto& v) -> std::optional<Value> {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
                if (v < T{0} || static_cast<double>(v) > most) return std::nullopt;
                if constexpr (std::is_floating_point_v<T>) return Value(static_cast<uint64_t>(v * 1e6));
                return Value(static_cast<uint64_t>(v) * 1'000'000);
            }
            return std::nullopt;
        },
        seconds);
}

} // namespace

Result<NamedValues> annotation_properties(const std::map<std::string, std::string>& annotations) {
    NamedValues out;
    for (auto entry = annotations.lower_bound(std::string(prefix)); entry != annotations.end(); ++entry) {
        const auto& [key, text] = *entry;
        if (!key.starts_with(prefix)) break;
        std::string name = key.substr(prefix.size());
        bool letters = true;
        for (char c : name) letters = letters && is_letter(c);
        if (name.size() < 3 || !letters)
            return invalid("annotation " + key + ": \"" + name + "\" is no name of a systemd property");
        auto value = VariantText(text).read();
        if (value && in_seconds(name)) {
            name.replace(name.size() - 3, 3, "USec");
            value = to_microseconds(*value);
        }
        if (!value)
            return invalid("annotation " + key + ": " + text +
                           " is no value in GVariant's text form, as true, 'text', uint64 5 or ['a', 'b']");
        out[name] = std::move(*value);
    }
    return out;
}

} // namespace hull::kernel::cgroup::systemd
