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

// One pointer, and all that happens to errors is out of line: nearly every
// function returns a Result, so this is what much of the code is made of.
class [[nodiscard]] Error {
public:
    Error(ErrorKind kind, std::string message);
    Error(const Error& other);
    Error(Error&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
    Error& operator=(Error other) noexcept {
        std::swap(record_, other.record_);
        return *this;
    }
    ~Error() {
        if (record_) [[unlikely]]
            destroy(record_);
    }

    // An error of a system call: message is "<syscall>: <strerror>". The kind
    // follows from the errno (ENOENT not_found, ENOSPC no_space, ... else system).
    static Error from_errno(const char* syscall, int code = errno);
    // The same with the object it was done to: "<syscall> <object>: <strerror>".
    static Error from_errno(const char* syscall, std::string_view object, int code = errno);

    // Precondition of all below: not moved from.
    ErrorKind kind() const { return record_->kind; }
    // The errno, or 0 when the error did not come from the kernel.
    int code() const { return record_->code; }
    // All frames, outermost first, joined by ": ".
    const std::string& message() const { return record_->message; }

    Error&& context(std::string_view doing) &&;
    Error&& with_kind(ErrorKind kind) && {
        record_->kind = kind;
        return std::move(*this);
    }
    Error&& with_code(int code) && {
        record_->code = code;
        return std::move(*this);
    }

private:
    template <class T>
    friend class Result;
    struct Record {
        std::string message;
        int code;
        ErrorKind kind;
    };

    Error() = default; // of a Result that succeeded
    static void destroy(Record* record);

    Record* record_ = nullptr;
};

// The two that come up most.
inline Error invalid(std::string message) { return {ErrorKind::invalid_argument, std::move(message)}; }
inline Error unsupported(std::string message) { return {ErrorKind::unsupported, std::move(message)}; }

namespace detail {
[[noreturn]] void die_on_bad_access(const Error* error);
} // namespace detail

template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    template <class U>
        requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Result>)
    Result(U&& value) : value_(std::forward<U>(value)) {}
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return value_.has_value(); }
    explicit operator bool() const { return ok(); }

    // Precondition: ok(). Anything else ends the program.
    T& value() & {
        check();
        return *value_;
    }
    const T& value() const& {
        check();
        return *value_;
    }
    T&& value() && {
        check();
        return std::move(*value_);
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // Precondition: !ok().
    const Error& error() const& { return error_; }
    Error&& error() && { return std::move(error_); }

    // Adds a frame to the error, if there is one.
    Result context(std::string_view doing) && {
        if (!ok()) (void)std::move(error_).context(doing);
        return std::move(*this);
    }
    // The same, with a text that is only made when needed.
    template <class F>
        requires std::is_invocable_v<F>
    Result context(F&& doing) && {
        if (!ok()) (void)std::move(error_).context(doing());
        return std::move(*this);
    }

private:
    void check() const {
        if (!ok()) [[unlikely]]
            detail::die_on_bad_access(error_.record_ ? &error_ : nullptr);
    }

    std::optional<T> value_;
    Error error_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_.record_; }
    explicit operator bool() const { return ok(); }

    // Precondition: ok(). Anything else ends the program.
    void value() const {
        if (!ok()) [[unlikely]]
            detail::die_on_bad_access(&error_);
    }

    // Precondition: !ok().
    const Error& error() const& { return error_; }
    Error&& error() && { return std::move(error_); }

    Result context(std::string_view doing) && {
        if (!ok()) (void)std::move(error_).context(doing);
        return std::move(*this);
    }
    template <class F>
        requires std::is_invocable_v<F>
    Result context(F&& doing) && {
        if (!ok()) (void)std::move(error_).context(doing());
        return std::move(*this);
    }

private:
    Error error_;
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
