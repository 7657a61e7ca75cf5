// The streams of an attached container or exec, between its connection and our
// own standard streams.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "sys/signal_queue.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

struct Streams {
    bool in = false, out = true, err = true;
    bool tty = false;        // raw bytes both ways; else frames
    std::string detach_keys; // bytes; only watched for with a terminal

    // Called from a thread of pump(), may block.
    std::function<void(sys::TerminalSize)> resize; // with tty, at first and when the window changes
    std::function<void(int signal)> forward;       // unset: signals have their normal action
};

enum class PumpEnd : unsigned char { finished, detached };

// Signals to forward and SIGWINCH are blocked from the moment this is made, so
// that none is lost between the start of the container and pump().
class SignalGuard {
public:
    static Result<SignalGuard> create(const Streams& streams);
    SignalGuard(SignalGuard&&) = default;
    const sys::SignalQueue* queue() const { return queue_ ? &*queue_ : nullptr; }
    sys::SignalQueue* queue() { return queue_ ? &*queue_ : nullptr; }

private:
    SignalGuard() = default;
    std::optional<sys::SignalQueue> queue_;
};

// Copies until the other side has closed its output or the user detached. The
// terminal is in raw mode meanwhile, when stdin is one and a tty is in use; it
// is restored on every way out. Errors: those of the connection or of our own
// output.
Result<PumpEnd> pump(http::ClientConnection::RawStream stream, const Streams& streams, SignalGuard& signals);

// Copies a body of frames (or raw bytes) to our standard output and error.
using BodyReader = std::function<Result<size_t>(std::span<char>)>;
Result<void> copy_body(const BodyReader& read, bool multiplexed);

// "TERM" of 15; "RTMIN+1"; a number for unnamed ones.
std::string signal_name(int signal);

} // namespace hull::cli
