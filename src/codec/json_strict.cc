#include "codec/json_strict.h"

#include <unordered_set>

#include <boost/json/basic_parser_impl.hpp>

namespace hull::json {

namespace {

// Follows the parser's events and keeps the keys of the objects that are open.
struct UniqueKeys {
    static constexpr size_t max_object_size = std::numeric_limits<size_t>::max(), max_array_size = max_object_size,
                            max_key_size = max_object_size, max_string_size = max_object_size;
    using Error = boost::json::error_code;
    using Text = boost::json::string_view;

    std::vector<std::unordered_set<std::string>> open;
    std::string key, repeated;

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) {
        open.emplace_back();
        return true;
    }
    bool on_object_end(size_t, Error&) {
        open.pop_back();
        return true;
    }
    bool on_array_begin(Error&) { return true; }
    bool on_array_end(size_t, Error&) { return true; }
    bool on_key_part(Text part, size_t, Error&) {
        key.append(part.data(), part.size());
        return true;
    }
    bool on_key(Text part, size_t, Error& error) {
        key.append(part.data(), part.size());
        if (!open.back().insert(key).second) {
            repeated = key;
            error = boost::json::error::syntax;
            return false;
        }
        key.clear();
        return true;
    }
    bool on_string_part(Text, size_t, Error&) { return true; }
    bool on_string(Text, size_t, Error&) { return true; }
    bool on_number_part(Text, Error&) { return true; }
    bool on_int64(int64_t, Text, Error&) { return true; }
    bool on_uint64(uint64_t, Text, Error&) { return true; }
    bool on_double(double, Text, Error&) { return true; }
    bool on_bool(bool, Error&) { return true; }
    bool on_null(Error&) { return true; }
    bool on_comment_part(Text, Error&) { return true; }
    bool on_comment(Text, Error&) { return true; }
};

} // namespace

Result<Value> parse_strict(std::string_view text, const Limits& limits) {
    Value value = TRY(parse(text, limits));
    boost::json::parse_options options;
    options.max_depth = limits.max_depth;
    boost::json::basic_parser<UniqueKeys> parser(options);
    boost::json::error_code ec;
    parser.write_some(false, text.data(), text.size(), ec);
    if (!parser.handler().repeated.empty() || ec)
        return Error(ErrorKind::invalid_argument,
                     "invalid JSON: the key \"" + parser.handler().repeated.substr(0, 100) + "\" stands there twice");
    return value;
}

} // namespace hull::json
