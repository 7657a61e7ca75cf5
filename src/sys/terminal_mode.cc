#include "sys/terminal_mode.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

bool is_terminal(BorrowedFd fd) { return fd.valid() && ::isatty(fd.get()) == 1; }

std::optional<TerminalSize> terminal_size(BorrowedFd fd) {
    winsize size{};
    if (!fd.valid() || ::ioctl(fd.get(), TIOCGWINSZ, &size) < 0) return std::nullopt;
    return TerminalSize{size.ws_row, size.ws_col};
}

Result<RawMode> RawMode::enter(BorrowedFd terminal, Output output) {
    termios saved{};
    if (::tcgetattr(terminal.get(), &saved) < 0) return Error::from_errno("tcgetattr");
    termios raw = saved;
    ::cfmakeraw(&raw);
    if (output == Output::processed) raw.c_oflag |= saved.c_oflag & static_cast<tcflag_t>(OPOST);
    if (retry([&] { return ::tcsetattr(terminal.get(), TCSANOW, &raw); }) < 0) return Error::from_errno("tcsetattr");
    return RawMode(terminal, saved);
}

void RawMode::restore() {
    if (fd_.valid()) (void)retry([&] { return ::tcsetattr(fd_.get(), TCSANOW, &saved_); });
}

Result<void> keep_line_ends(BorrowedFd terminal) {
    termios mode{};
    if (::tcgetattr(terminal.get(), &mode) < 0) return Error::from_errno("tcgetattr");
    mode.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
    if (retry([&] { return ::tcsetattr(terminal.get(), TCSANOW, &mode); }) < 0) return Error::from_errno("tcsetattr");
    return {};
}

NoEcho::NoEcho(BorrowedFd terminal) {
    if (::tcgetattr(terminal.get(), &saved_) != 0) return;
    termios silent = saved_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (::tcsetattr(terminal.get(), TCSANOW, &silent) == 0) fd_ = terminal;
}

NoEcho::~NoEcho() {
    if (fd_.get() >= 0) ::tcsetattr(fd_.get(), TCSANOW, &saved_);
}

} // namespace hull::sys
