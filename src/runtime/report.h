// The report socket: what a starting process tells whoever launched it.
//
// A SOCK_SEQPACKET pair; each message is one event, the last one before the
// program runs is `starting`. The starting process's end is close-on-exec, so
// end of file after `starting` means that the program was exec'ed; end of file
// without it means that the process died on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::runtime {

struct LaunchEvent {
    enum class Kind : uint8_t {
        step,     // a step is done: name, ns
        pid,      // the process was made: pid (the caller's child from now on), pidfd in fd
        terminal, // the master side of its terminal, in fd
        at_hooks, // it waits for PendingLaunch::resume()
        at_gate,  // set up (Gate::socket); after PendingLaunch::resume("") it waits at the gate. Final here.
        // Its seccomp filter is loaded: the listener, in fd. It waits for resume();
        // closing the socket instead ends it (see runtime/listener.h).
        listener,
        executed, // the program runs. Final.
        failed,   // see error; nothing is left of it but its zombie. Final.
    };
    Kind kind = Kind::step;
    std::string name;
    int64_t ns = 0; // monotonic, duration of the step
    int pid = 0;
    UniqueFd fd;
    // failed. Kinds no_such_program and not_executable carry the texts that
    // Docker's users know ("exec: \"foo\": executable file not found in $PATH").
    Error error{ErrorKind::internal, ""};
};

// Reads the receiving end. Owns it. Not thread-safe.
class ReportReader {
public:
    ReportReader() = default;
    explicit ReportReader(UniqueFd socket) : socket_(std::move(socket)) {}
    // Of the connection that opened a gate: who made the process had its pid.
    static ReportReader after_gate(UniqueFd connection);

    // For epoll: readable when there is something to read.
    BorrowedFd fd() const { return socket_; }
    // A final event was returned; fd() may be closed.
    bool done() const { return done_; }
    // Everything that is there now, without blocking. Never an error: what
    // goes wrong with the socket comes as `failed`.
    std::vector<LaunchEvent> read();
    // Blocks until at least one event is there (hull-runtime). timeout_ms < 0: for ever.
    std::vector<LaunchEvent> wait(int timeout_ms = -1);
    // Lets a process that is at_hooks or at_gate go on; state is the OCI state
    // JSON that its own hooks get on standard input. A process whose launcher is
    // gone by then gives up.
    Result<void> resume(const std::string& state_json);

private:
    bool take_message(std::vector<LaunchEvent>& into);
    void finish(LaunchEvent event, std::vector<LaunchEvent>& into);
    void end_of_file(std::vector<LaunchEvent>& into);

    UniqueFd socket_;
    // The new process may be faster with its first message than the
    // intermediate is with the pid; its events wait here for that.
    std::vector<LaunchEvent> held_;
    bool pid_known_ = false, starting_ = false, done_ = false;
};

} // namespace hull::runtime
