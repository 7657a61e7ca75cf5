// Standing between a terminal and a process in the foreground.

#include <array>
#include <csignal>
#include <optional>

#include <unistd.h>

#include "apps/hull-runtime/making.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/ready.h"
#include "sys/signal_queue.h"
#include "sys/terminal.h"
#include "sys/terminal_mode.h"

namespace hull::oci_runtime {

namespace {

std::vector<int> forwarded_signals() {
    std::vector<int> signals;
    for (int s = 1; s < SIGRTMIN; ++s)
        if (s != SIGKILL && s != SIGSTOP && s != SIGSEGV && s != SIGBUS && s != SIGFPE && s != SIGILL && s != SIGPIPE)
            signals.push_back(s);
    return signals;
}

class Attendance {
public:
    Attendance(pid_t pid, UniqueFd terminal) : pid_(pid), terminal_(std::move(terminal)) {}
    Result<int> run(sys::SignalQueue& queue);

private:
    pid_t pid_;
    UniqueFd pidfd_, terminal_;
    bool input_open_ = true;
    std::optional<sys::WaitStatus> ended_;

    void take_signals(sys::SignalQueue& queue);
    void copy_size();
    void copy_input();
    bool copy_output(); // false: no more will come
};

void Attendance::copy_size() {
    if (!terminal_) return;
    if (auto size = sys::terminal_size(BorrowedFd(STDIN_FILENO)))
        (void)sys::set_window_size(terminal_, size->rows, size->columns);
}

void Attendance::take_signals(sys::SignalQueue& queue) {
    while (auto signal = queue.take()) {
        if (*signal == SIGCHLD)
            continue; // the pidfd tells
        else if (*signal == SIGWINCH)
            copy_size();
        else
            (void)sys::pidfd_signal(pidfd_, *signal);
    }
}

void Attendance::copy_input() {
    std::array<char, 16384> buffer;
    auto n = sys::read(BorrowedFd(STDIN_FILENO), buffer);
    if (!n.ok() || *n == 0 || !sys::write_all(terminal_, {buffer.data(), *n}).ok()) input_open_ = false;
}

bool Attendance::copy_output() {
    std::array<char, 16384> buffer;
    auto n = sys::read(terminal_, buffer);
    // EIO: nobody has the other side open any more.
    if (!n.ok() || *n == 0) return false;
    return sys::write_all(BorrowedFd(STDOUT_FILENO), {buffer.data(), *n}).ok();
}

Result<int> Attendance::run(sys::SignalQueue& queue) {
    pidfd_ = TRY(sys::pidfd_open(pid_));
    std::optional<sys::RawMode> raw;
    if (terminal_ && sys::is_terminal(BorrowedFd(STDIN_FILENO)))
        raw.emplace(TRY(sys::RawMode::enter(BorrowedFd(STDIN_FILENO), sys::RawMode::Output::processed)));
    copy_size();
    for (;;) {
        std::array<sys::Readiness, 4> watched{{{queue.fd()},
                                               {ended_ ? BorrowedFd() : pidfd_.borrow()},
                                               {terminal_.borrow()},
                                               {terminal_ && input_open_ ? BorrowedFd(STDIN_FILENO) : BorrowedFd()}}};
        // What it wrote last is still in the terminal when it has ended.
        bool any = TRY(sys::wait_ready(watched, ended_ ? 0 : -1));
        if (!any) break;
        if (watched[0].ready) take_signals(queue);
        if (watched[2].ready && !copy_output()) terminal_.reset();
        if (watched[3].ready && terminal_) copy_input();
        if (watched[1].ready) ended_ = sys::reap_pidfd(pidfd_);
        if (ended_ && !terminal_) break;
    }
    return ended_->code;
}

} // namespace

Result<sys::SignalQueue> hold_signals() { return sys::SignalQueue::create(forwarded_signals()); }

Result<int> attend(pid_t pid, UniqueFd terminal, sys::SignalQueue& signals) {
    return Attendance(pid, std::move(terminal)).run(signals);
}

} // namespace hull::oci_runtime
