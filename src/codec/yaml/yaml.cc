#include "codec/yaml/yaml.h"

#include <charconv>
#include <memory>

#include <boost/json.hpp>
#include <yaml.h>

namespace hull {
namespace {

namespace bj = boost::json;

class Event {
public:
    Event() = default;
    ~Event() { yaml_event_delete(&event); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    yaml_event_t event{};
};

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
    for (std::string_view one : list)
        if (text == one) return true;
    return false;
}

bj::value plain_scalar(std::string_view text) {
    if (one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
    if (one_of(text, {"true", "True", "TRUE"})) return true;
    if (one_of(text, {"false", "False", "FALSE"})) return false;
    const char* end = text.data() + text.size();
    int base = 10;
    const char* begin = text.data();
    if (text.starts_with("0x")) base = 16, begin += 2;
    if (text.starts_with("0o")) base = 8, begin += 2;
    if (*begin == '+' && base == 10 && text.size() > 1 && text[1] != '-') ++begin;
    int64_t number = 0;
    if (auto [at, failed] = std::from_chars(begin, end, number, base); failed == std::errc() && at == end)
        return number;
    double real = 0;
    bool digits =
        text.find_first_of("0123456789") != text.npos && text.find_first_not_of("+-.eE0123456789") == text.npos;
    if (digits)
        if (auto [at, failed] = std::from_chars(begin, end, real); failed == std::errc() && at == end) return real;
    return bj::value(bj::string(text));
}

class Composer {
public:
    Composer(std::string_view text, const YamlLimits& limits) : limits_(limits) {
        ok_ = yaml_parser_initialize(&parser_) == 1;
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
    ~Composer() { yaml_parser_delete(&parser_); }
    Composer(const Composer&) = delete;
    Composer& operator=(const Composer&) = delete;

    Result<bj::value> document() {
        if (!ok_) return Error(ErrorKind::system, "YAML: out of memory");
        TRY(expect(YAML_STREAM_START_EVENT));
        Event first;
        TRY(next(first));
        if (first.event.type == YAML_STREAM_END_EVENT) return bj::value(nullptr);
        Event start;
        TRY(next(start));
        bj::value value = TRY(node(start.event, 0));
        TRY(expect(YAML_DOCUMENT_END_EVENT));
        TRY(expect(YAML_STREAM_END_EVENT));
        return value;
    }

private:
    Error fault(const std::string& why, const yaml_mark_t& mark) const {
        return invalid("YAML: line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) +
                       ": " + why);
    }

    Result<void> next(Event& into) {
        if (yaml_parser_parse(&parser_, &into.event) == 1) return {};
        return fault(parser_.problem ? parser_.problem : "not YAML", parser_.problem_mark);
    }

    Result<void> expect(yaml_event_type_t type) {
        Event event;
        TRY(next(event));
        if (event.event.type != type) return fault("more than one document", event.event.start_mark);
        return {};
    }

    Result<bj::value> scalar(const yaml_event_t& event) {
        const auto& data = event.data.scalar;
        if (data.anchor) return fault("anchors are not supported", event.start_mark);
        if (data.tag) return fault("tags are not supported", event.start_mark);
        std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
        if (data.style == YAML_PLAIN_SCALAR_STYLE) return plain_scalar(text);
        return bj::value(bj::string(text));
    }

    Result<bj::value> node(const yaml_event_t& event, size_t depth) {
        if (depth > limits_.max_depth) return fault("nested too deeply", event.start_mark);
        switch (event.type) {
        case YAML_SCALAR_EVENT: return scalar(event);
        case YAML_SEQUENCE_START_EVENT:
            if (event.data.sequence_start.anchor) return fault("anchors are not supported", event.start_mark);
            return sequence(depth);
        case YAML_MAPPING_START_EVENT:
            if (event.data.mapping_start.anchor) return fault("anchors are not supported", event.start_mark);
            return mapping(depth);
        case YAML_ALIAS_EVENT: return fault("aliases are not supported", event.start_mark);
        default: return fault("a value is missing", event.start_mark);
        }
    }

    Result<bj::value> sequence(size_t depth) {
        bj::array list;
        for (;;) {
            Event event;
            TRY(next(event));
            if (event.event.type == YAML_SEQUENCE_END_EVENT) return bj::value(std::move(list));
            list.push_back(TRY(node(event.event, depth + 1)));
        }
    }

    Result<bj::value> mapping(size_t depth) {
        bj::object members;
        for (;;) {
            Event event;
            TRY(next(event));
            if (event.event.type == YAML_MAPPING_END_EVENT) return bj::value(std::move(members));
            if (event.event.type != YAML_SCALAR_EVENT) return fault("a key is not a text", event.event.start_mark);
            const auto& data = event.event.data.scalar;
            std::string_view key(reinterpret_cast<const char*>(data.value), data.length);
            if (members.contains(key))
                return fault("the key \"" + std::string(key) + "\" is there twice", event.event.start_mark);
            Event value;
            TRY(next(value));
            members[key] = TRY(node(value.event, depth + 1));
        }
    }

    yaml_parser_t parser_{};
    const YamlLimits limits_;
    bool ok_ = false;
};

} // namespace

Result<bj::value> parse_yaml(std::string_view text, const YamlLimits& limits) {
    if (text.size() > limits.max_bytes) return Error(ErrorKind::too_large, "YAML: the text is too long");
    return Composer(text, limits).document();
}

} // namespace hull
