#include "runtime/report.h"

#include <array>

#include "runtime/archive.h"
#include "runtime/report_writer.h"
#include "sys/nonblocking.h"
#include "sys/ready.h"
#include "sys/socket.h"

namespace hull::runtime {

namespace {

constexpr size_t max_message = size_t{1} << 20;

} // namespace

constexpr ReportKind max_value(ReportKind) { return ReportKind::failed; }

template <class A>
void members(A& a, StepRecord& s) {
    a(s.name, s.ns);
}
template <class A>
void members(A& a, ReportMessage& m) {
    a(m.kind, m.steps, m.pid, m.error_kind, m.error_code, m.error_message);
}

std::string encode_report(const ReportMessage& message) {
    ArchiveWriter writer;
    writer(message);
    return writer.take();
}

Result<ReportMessage> decode_report(std::string_view bytes) {
    ArchiveReader reader(bytes);
    ReportMessage message;
    reader(message);
    if (!reader.complete()) return Error(ErrorKind::corrupt, "malformed report of a starting process");
    return message;
}

// ---- writing -------------------------------------------------------------

Result<void> ReportWriter::send(ReportKind kind, BorrowedFd fd) {
    message_.kind = kind;
    std::string bytes = encode_report(message_);
    message_ = {};
    if (fd) return sys::send_message(socket_, bytes, std::array{fd}).context("report to the launcher");
    return sys::send_message(socket_, bytes).context("report to the launcher");
}

Result<void> ReportWriter::pid(pid_t pid, BorrowedFd pidfd) {
    message_.pid = pid;
    return send(ReportKind::pid, pidfd);
}

Result<void> ReportWriter::terminal(BorrowedFd master) { return send(ReportKind::terminal, master); }

Result<void> ReportWriter::listener(BorrowedFd fd) { return send(ReportKind::listener, fd); }

Result<void> ReportWriter::simple(ReportKind kind) { return send(kind); }

void ReportWriter::failed(const Error& error) {
    message_.error_kind = static_cast<uint8_t>(error.kind());
    message_.error_code = error.code();
    message_.error_message = error.message();
    // Nobody to tell when this fails: the reader sees the end of file.
    (void)send(ReportKind::failed).ok();
}

Result<std::string> ReportWriter::wait_for_resume() {
    auto message = TRY(sys::receive_message(socket_, max_message).context("wait for the launcher"));
    if (message.end_of_file) return Error(ErrorKind::cancelled, "the launcher went away");
    return std::move(message.data);
}

// ---- reading -------------------------------------------------------------

ReportReader ReportReader::after_gate(UniqueFd connection) {
    ReportReader reader(std::move(connection));
    reader.pid_known_ = true;
    return reader;
}

namespace {

LaunchEvent::Kind event_kind(ReportKind kind) {
    switch (kind) {
    case ReportKind::pid: return LaunchEvent::Kind::pid;
    case ReportKind::terminal: return LaunchEvent::Kind::terminal;
    case ReportKind::at_hooks: return LaunchEvent::Kind::at_hooks;
    case ReportKind::at_gate: return LaunchEvent::Kind::at_gate;
    case ReportKind::listener: return LaunchEvent::Kind::listener;
    case ReportKind::starting:
    case ReportKind::failed: break;
    }
    return LaunchEvent::Kind::failed;
}

ErrorKind error_kind(uint8_t number) {
    return number <= static_cast<uint8_t>(ErrorKind::no_such_program) ? static_cast<ErrorKind>(number)
                                                                      : ErrorKind::internal;
}

LaunchEvent failure(Error error) {
    LaunchEvent event;
    event.kind = LaunchEvent::Kind::failed;
    event.error = std::move(error);
    return event;
}

} // namespace

void ReportReader::finish(LaunchEvent event, std::vector<LaunchEvent>& into) {
    // Without the pid nothing was made that could end differently.
    for (auto& held : held_) into.push_back(std::move(held));
    held_.clear();
    into.push_back(std::move(event));
    done_ = true;
}

void ReportReader::end_of_file(std::vector<LaunchEvent>& into) {
    if (starting_) {
        LaunchEvent event;
        event.kind = LaunchEvent::Kind::executed;
        return finish(std::move(event), into);
    }
    // The intermediate failed before there was a pid: its last word is held.
    if (!held_.empty() && held_.back().kind == LaunchEvent::Kind::failed) {
        LaunchEvent failed = std::move(held_.back());
        held_.pop_back();
        return finish(std::move(failed), into);
    }
    finish(failure(Error(ErrorKind::system,
                         "the process died while it was being set up (is the limit of memory or of pids too low?)")),
           into);
}

// False when there is nothing more for now.
bool ReportReader::take_message(std::vector<LaunchEvent>& into) {
    auto received = sys::receive_message(socket_, max_message);
    if (!received.ok()) {
        if (received.error().code() == EAGAIN) return false;
        if (received.error().code() == ECONNRESET)
            end_of_file(into);
        else
            finish(failure(std::move(received).error().context("read the report of a starting process")), into);
        return false;
    }
    if (received->end_of_file) {
        end_of_file(into);
        return false;
    }
    auto message = decode_report(received->data);
    if (!message.ok()) {
        finish(failure(std::move(message).error()), into);
        return false;
    }
    bool is_pid = message->kind == ReportKind::pid;
    auto& out = pid_known_ || is_pid ? into : held_;
    for (auto& step : message->steps) {
        LaunchEvent event;
        event.name = std::move(step.name);
        event.ns = step.ns;
        out.push_back(std::move(event));
    }
    if (message->kind == ReportKind::starting) {
        starting_ = true;
        return true;
    }
    LaunchEvent event;
    event.kind = event_kind(message->kind);
    event.pid = message->pid;
    if (!received->fds.empty()) event.fd = std::move(received->fds.front());
    if (event.kind == LaunchEvent::Kind::failed)
        event.error =
            Error(error_kind(message->error_kind), std::move(message->error_message)).with_code(message->error_code);
    bool final = event.kind == LaunchEvent::Kind::failed || event.kind == LaunchEvent::Kind::at_gate;
    out.push_back(std::move(event));
    if (is_pid) {
        pid_known_ = true;
        for (auto& held : held_) {
            final = final || held.kind == LaunchEvent::Kind::failed || held.kind == LaunchEvent::Kind::at_gate;
            into.push_back(std::move(held));
        }
        held_.clear();
    }
    if (pid_known_ && final) done_ = true;
    return !done_;
}

std::vector<LaunchEvent> ReportReader::read() {
    std::vector<LaunchEvent> events;
    if (done_ || !socket_) return events;
    if (auto ready = sys::make_nonblocking(socket_); !ready.ok()) {
        finish(failure(std::move(ready).error()), events);
        return events;
    }
    while (take_message(events)) {}
    return events;
}

std::vector<LaunchEvent> ReportReader::wait(int timeout_ms) {
    for (;;) {
        auto events = read();
        if (!events.empty() || done_) return events;
        std::array wanted{sys::Readiness{socket_}};
        auto ready = sys::wait_ready(wanted, timeout_ms);
        if (!ready.ok()) {
            finish(failure(std::move(ready).error()), events);
            return events;
        }
        if (!*ready) return events;
    }
}

Result<void> ReportReader::resume(const std::string& state_json) {
    // An empty message would read as end of file.
    return sys::send_message(socket_, state_json.empty() ? "{}" : state_json).context("let the container go on");
}

} // namespace hull::runtime
