#include "registry/failure.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "codec/json.h"
#include "registry/challenge.h"

namespace hull::registry {

namespace {

struct KnownCode {
    std::string_view code, text;
};
// Texts of Docker's library for codes that come without one.
constexpr KnownCode known_codes[] = {
    {"UNAUTHORIZED", "authentication required"},  {"DENIED", "requested access to the resource is denied"},
    {"MANIFEST_UNKNOWN", "manifest unknown"},     {"NAME_UNKNOWN", "repository name not known to registry"},
    {"BLOB_UNKNOWN", "blob unknown to registry"}, {"UNAVAILABLE", "service unavailable"},
    {"TOOMANYREQUESTS", "too many requests"},     {"UNSUPPORTED", "The operation is unsupported."},
};
constexpr size_t max_quoted = 200;

// Without control characters, and not too long: it goes to a terminal.
std::string printable(std::string_view text) {
    std::string out;
    for (char c : text.substr(0, max_quoted)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return out;
}

std::string text_member(const json::Object& object, std::string_view name) {
    const json::Value* value = object.if_contains(name);
    if (!value || !value->is_string()) return {};
    return std::string(value->get_string());
}

std::string worded(const std::string& code, std::string message) {
    if (message.empty())
        for (const KnownCode& known : known_codes)
            if (known.code == code) message = known.text;
    std::string words = code;
    std::transform(words.begin(), words.end(), words.begin(),
                   [](unsigned char c) { return c == '_' ? ' ' : std::tolower(c); });
    return printable(message.empty() ? words : words + ": " + message);
}

} // namespace

Failure failure_of(const Answer& answer) {
    Failure failure{answer.status, {}, {}};
    for (const Challenge& challenge : challenges_of(answer.headers)) {
        if (answer.status < 400 || answer.status >= 500) break;
        if (challenge.error == "invalid_token") failure.code = "UNAUTHORIZED";
        if (challenge.error == "insufficient_scope") failure.code = "DENIED";
        if (failure.code.empty()) continue;
        failure.message = worded(failure.code, challenge.error_description);
        return failure;
    }
    auto value = json::parse(answer.body, {.max_depth = 32, .max_bytes = size_t{4} << 20});
    if (value.ok() && value->is_object()) {
        const json::Object& object = value->get_object();
        const json::Value* errors = object.if_contains("errors");
        if (errors && errors->is_array() && !errors->get_array().empty() && errors->get_array()[0].is_object()) {
            const json::Object& first = errors->get_array()[0].get_object();
            failure.code = text_member(first, "code");
            if (!failure.code.empty()) {
                failure.message = worded(failure.code, text_member(first, "message"));
                return failure;
            }
        }
        // What token services and some proxies say instead.
        std::string details = text_member(object, "details");
        if (details.empty()) details = text_member(object, "message");
        if (!details.empty() && (answer.status == 401 || answer.status == 403)) {
            failure.code = answer.status == 401 ? "UNAUTHORIZED" : "DENIED";
            failure.message = worded(failure.code, details);
            return failure;
        }
    }
    if (answer.status == 401 || answer.status == 403) {
        failure.code = answer.status == 401 ? "UNAUTHORIZED" : "DENIED";
        failure.message = worded(failure.code, "");
    } else if (answer.status == 429) {
        failure.code = "TOOMANYREQUESTS";
        failure.message = worded(failure.code, "");
    } else {
        failure.message = "received unexpected HTTP status: " + std::to_string(answer.status) + " " +
                          std::string(http::reason_of(answer.status));
    }
    return failure;
}

bool is_temporary(int status) {
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

int retry_after(const Answer& answer, int fallback, int limit) {
    std::string_view text = answer.headers.get("Retry-After");
    int seconds = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size() || seconds < 0)
        seconds = fallback; // also for dates, which registries don't send
    return std::min(seconds, limit);
}

Error error_of(const Failure& failure) {
    if (failure.code == "DENIED") return Error(ErrorKind::forbidden, failure.message).with_code(403);
    if (failure.code == "UNAUTHORIZED") return Error(ErrorKind::forbidden, failure.message).with_code(401);
    if (failure.code == "BLOB_UNKNOWN") return {ErrorKind::not_found, failure.message};
    return {ErrorKind::system, failure.message};
}

} // namespace hull::registry
