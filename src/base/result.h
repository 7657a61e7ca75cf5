// Result<T>: a value or an Error; TRY() passes the Error on.
//
// An Error says what was being done, to what, and why it failed, as a chain of
// frames from the outermost to the innermost ("start container a1b2: mount
// /proc: Operation not permitted"). Its kind is one of a few stable values that
// only api/ and the programs' mains translate (HTTP status, exit code).
//
// Rules: every boundary adds what it was doing with context(); text is lower
// case with no full stop, except texts that clients compare with Docker's. Log
// or return, never both.
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace hull {

enum class ErrorKind : unsigned char {
    internal,         // a bug or a state nobody expected
    system,           // the kernel said no; see code()
    invalid_argument, // the request itself is wrong
    not_found,
    conflict,     // exists already, in use, wrong state
    not_modified, // already so
    forbidden,
    unsupported, // asked for something that isn't there (yet, or on this kernel)
    unavailable, // the other side does not answer
    no_space,
    too_large, // beyond a budget
    timed_out,
    cancelled,       // the client left, or the engine is stopping
    corrupt,         // data that should be right is not
    not_executable,  // the program exists but can't be run (exit code 126)
    no_such_program, // the program isn't there (exit code 127)
};

class [[nodiscard]] Error {
public:
    Error(ErrorKind kind, std::string message) : message_(std::move(message)), kind_(kind) {}

    // An error of a system call: message is "<syscall>: <strerror>". The kind
    // follows from the errno (ENOENT not_found, ENOSPC no_space, ... else system).
    static Error from_errno(const char* syscall, int code = errno);
    // The same with the object it was done to: "<syscall> <object>: <strerror>".
    static Error from_errno(const char* syscall, std::string_view object, int code = errno);

    ErrorKind kind() const { return kind_; }
    // The errno, or 0 when the error did not come from the kernel.
    int code() const { return code_; }
    // All frames, outermost first, joined by ": ".
    const std::string& message() const { return message_; }

    Error&& context(std::string_view doing) &&;
    Error&& with_kind(ErrorKind kind) && {
        kind_ = kind;
        return std::move(*this);
    }
    Error&& with_code(int code) && {
        code_ = code;
        return std::move(*this);
    }

private:
    std::string message_;
    int code_ = 0;
    ErrorKind kind_;
};

namespace detail {
struct Unit {};
[[noreturn]] void die_on_bad_access(const Error* error);
} // namespace detail

template <class T>
class [[nodiscard]] Result {
    using Stored = std::conditional_t<std::is_void_v<T>, detail::Unit, T>;

public:
    using value_type = T;

    Result()
        requires std::is_void_v<T>
        : data_(std::in_place_index<0>) {}
    template <class U>
        requires(!std::is_void_v<T> && std::is_convertible_v<U &&, Stored> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Error> && !std::is_same_v<std::remove_cvref_t<U>, Result>)
    Result(U&& value) : data_(std::in_place_index<0>, std::forward<U>(value)) {}
    Result(Error error) : data_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return data_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // Precondition: ok(). Anything else ends the program.
    Stored& value() & {
        check();
        return *std::get_if<0>(&data_);
    }
    const Stored& value() const& {
        check();
        return *std::get_if<0>(&data_);
    }
    Stored&& value() && {
        check();
        return std::move(*std::get_if<0>(&data_));
    }
    Stored& operator*() & { return value(); }
    const Stored& operator*() const& { return value(); }
    Stored&& operator*() && { return std::move(*this).value(); }
    Stored* operator->() { return &value(); }
    const Stored* operator->() const { return &value(); }

    // Precondition: !ok().
    const Error& error() const& { return *std::get_if<1>(&data_); }
    Error&& error() && { return std::move(*std::get_if<1>(&data_)); }

    // Adds a frame to the error, if there is one.
    Result context(std::string_view doing) && {
        if (!ok()) return std::move(*this).error().context(doing);
        return std::move(*this);
    }
    // The same, with a text that is only made when needed.
    template <class F>
        requires std::is_invocable_v<F>
    Result context(F&& doing) && {
        if (!ok()) return std::move(*this).error().context(doing());
        return std::move(*this);
    }

private:
    void check() const {
        if (!ok()) [[unlikely]]
            detail::die_on_bad_access(std::get_if<1>(&data_));
    }
    std::variant<Stored, Error> data_;
};

// TRY(expression): its value, or return its Error from this function. Use it as
// a whole statement or initialiser, not inside a larger expression.
#define TRY(...)                                                                                                       \
    ({                                                                                                                 \
        auto hull_try_result = (__VA_ARGS__);                                                                          \
        if (!hull_try_result.ok()) [[unlikely]]                                                                        \
            return std::move(hull_try_result).error();                                                                 \
        ::hull::detail::take(std::move(hull_try_result));                                                              \
    })

// MUST(expression): its value, where failure is proven impossible.
#define MUST(...) (std::move(__VA_ARGS__).value())

namespace detail {
template <class T>
T take(Result<T>&& result) {
    if constexpr (!std::is_void_v<T>) return std::move(result).value();
}
} // namespace detail

} // namespace hull
