#include "base/result.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace hull {

namespace {

ErrorKind kind_of(int code) {
    switch (code) {
    case ENOENT: return ErrorKind::not_found;
    case ENOSPC:
    case EDQUOT: return ErrorKind::no_space;
    case EEXIST: return ErrorKind::conflict;
    case ETIMEDOUT: return ErrorKind::timed_out;
    case ENOSYS:
    case EOPNOTSUPP: return ErrorKind::unsupported;
    case ECONNREFUSED: return ErrorKind::unavailable;
    default: return ErrorKind::system;
    }
}

std::string describe(int code) {
    const char* text = strerrordesc_np(code);
    return text ? text : "unknown error " + std::to_string(code);
}

} // namespace

Error::Error(ErrorKind kind, std::string message) : record_(new Record{std::move(message), 0, kind}) {}

Error::Error(const Error& other) : record_(other.record_ ? new Record(*other.record_) : nullptr) {}

void Error::destroy(Record* record) { delete record; }

Error Error::from_errno(const char* syscall, int code) {
    Error error(kind_of(code), std::string(syscall) + ": " + describe(code));
    error.record_->code = code;
    return error;
}

Error Error::from_errno(const char* syscall, std::string_view object, int code) {
    std::string text(syscall);
    text.append(" ").append(object).append(": ").append(describe(code));
    Error error(kind_of(code), std::move(text));
    error.record_->code = code;
    return error;
}

Error&& Error::context(std::string_view doing) && {
    std::string text;
    text.reserve(doing.size() + 2 + message().size());
    text.append(doing).append(": ").append(message());
    record_->message = std::move(text);
    return std::move(*this);
}

namespace detail {

void die_on_bad_access(const Error* error) {
    std::fputs("hull: bug: the value of a failed Result was used: ", stderr);
    std::fputs(error ? error->message().c_str() : "?", stderr);
    std::fputs("\n", stderr);
    std::abort();
}

} // namespace detail
} // namespace hull
