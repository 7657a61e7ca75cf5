// Our own terminal: is it one, its size, raw mode with a guard that restores it.
#pragma once

#include <optional>
#include <utility>

#include <termios.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

bool is_terminal(BorrowedFd fd);

struct TerminalSize {
    unsigned rows = 0, columns = 0;
    bool operator==(const TerminalSize&) const = default;
};
// nullopt when fd is no terminal.
std::optional<TerminalSize> terminal_size(BorrowedFd fd);

// Keeps a terminal in raw mode for as long as the guard lives. The descriptor
// stays the caller's and must outlive the guard. restore() may be called more
// than once and from another thread.
class RawMode {
public:
    // processed: a line end is still shown as the start of a new line.
    enum class Output { raw, processed };
    static Result<RawMode> enter(BorrowedFd terminal, Output output = Output::raw);
    RawMode(RawMode&& other) noexcept : saved_(other.saved_), fd_(std::exchange(other.fd_, BorrowedFd())) {}
    RawMode& operator=(RawMode&&) = delete;
    ~RawMode() { restore(); }
    void restore();

private:
    RawMode(BorrowedFd fd, const termios& saved) : saved_(saved), fd_(fd) {}
    termios saved_{};
    BorrowedFd fd_;
};

// What is written to the other side comes out here with its line ends as they are.
Result<void> keep_line_ends(BorrowedFd terminal);

// The terminal shows nothing of what is typed for as long as this lives. Not a
// terminal: nothing happens. The descriptor must outlive it.
class NoEcho {
public:
    explicit NoEcho(BorrowedFd terminal);
    ~NoEcho();
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

private:
    termios saved_{};
    BorrowedFd fd_;
};

} // namespace hull::sys
