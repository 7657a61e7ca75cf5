#include "apps/hull/stream/pump.h"

#include <array>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "apps/hull/stream/demux.h"
#include "apps/hull/stream/detach_keys.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/ready.h"
#include "sys/stream_socket.h"

namespace hull::cli {

namespace {

constexpr BorrowedFd standard_input{0};
constexpr size_t output_buffer = size_t{1} << 20;
constexpr size_t input_buffer = size_t{64} << 10;

// All that a program may take, but those that say that we are broken or that
// belong to us alone.
std::vector<int> forwarded_signals() {
    std::vector<int> out;
    for (int s = 1; s < NSIG; ++s) {
        switch (s) {
        case SIGKILL:
        case SIGSTOP:
        case SIGCHLD:
        case SIGPIPE:
        case SIGURG:
        case SIGWINCH:
        case SIGSEGV:
        case SIGBUS:
        case SIGILL:
        case SIGFPE:
        case SIGTRAP:
        case SIGABRT:
        case SIGSYS:
        case SIGTTIN:
        case SIGTTOU: continue;
        default: out.push_back(s);
        }
    }
    return out;
}

// What the threads of one pump() share; outlives them.
class Pump {
public:
    Pump(http::ClientConnection::RawStream stream, const Streams& streams, sys::SignalQueue* signals)
        : stream_(std::move(stream)), streams_(streams), signals_(signals) {}

    Result<PumpEnd> run() {
        wakeup_ = TRY(sys::make_eventfd());
        if (streams_.tty && streams_.in && sys::is_terminal(standard_input))
            raw_.emplace(TRY(sys::RawMode::enter(standard_input)));
        std::thread signals, input;
        if (signals_) signals = std::thread([this] { watch_signals(); });
        if (streams_.in)
            input = std::thread([this] { copy_input(); });
        else
            sys::shut_down_writes(stream_.socket);

        Result<void> copied = copy_output();
        sys::raise_eventfd(wakeup_);
        sys::shut_down(stream_.socket); // frees a thread that waits to send
        if (input.joinable()) input.join();
        if (signals.joinable()) signals.join();
        if (raw_) raw_->restore();
        if (detached_) return PumpEnd::detached;
        if (!copied.ok()) return std::move(copied).error();
        return PumpEnd::finished;
    }

private:
    Result<void> copy_output() {
        Demultiplexer demux([this](Output to, std::string_view text) { return write_output(to, text); });
        auto take = [&](std::string_view data) {
            return streams_.tty ? write_output(Output::out, data) : demux.feed(data);
        };
        TRY(take(stream_.early));
        std::vector<char> buffer(output_buffer);
        for (;;) {
            auto got = sys::receive(stream_.socket, buffer);
            if (!got.ok() && (detached_ || got.error().code() == ECONNRESET)) return {};
            size_t n = TRY(std::move(got));
            if (n == 0) return {};
            TRY(take({buffer.data(), n}));
        }
    }

    Result<void> write_output(Output to, std::string_view text) const {
        if (to == Output::out ? !streams_.out : !streams_.err) return {};
        return sys::write_all(BorrowedFd(to == Output::out ? 1 : 2), text);
    }

    // Our stdin to the container, until its end, the end of the pump, or detach.
    void copy_input() {
        DetachFilter filter(streams_.tty ? streams_.detach_keys : std::string());
        std::vector<char> buffer(input_buffer);
        for (;;) {
            std::array<sys::Readiness, 2> waited{{{wakeup_.borrow()}, {standard_input}}};
            if (!sys::wait_ready(waited).ok() || waited[0].ready) return;
            auto n = sys::read(standard_input, buffer);
            if (!n.ok() || *n == 0) return sys::shut_down_writes(stream_.socket);
            auto verdict = filter.feed({buffer.data(), *n});
            std::array<std::string_view, 1> parts{verdict.forward};
            if (!verdict.forward.empty() && !sys::send_all(stream_.socket, parts).ok()) return;
            if (!verdict.detach) continue;
            detached_ = true;
            return sys::shut_down(stream_.socket);
        }
    }

    void watch_signals() {
        if (streams_.tty && streams_.resize) tell_size();
        for (;;) {
            std::array<sys::Readiness, 2> waited{{{wakeup_.borrow()}, {signals_->fd()}}};
            if (!sys::wait_ready(waited).ok() || waited[0].ready) return;
            while (auto signal = signals_->take()) {
                if (*signal == SIGWINCH) {
                    tell_size();
                } else if (streams_.forward) {
                    streams_.forward(*signal);
                } else {
                    if (raw_) raw_->restore();
                    sys::die_of_signal(*signal);
                }
            }
        }
    }

    void tell_size() {
        auto size = sys::terminal_size(BorrowedFd(1));
        if (!size || (size->rows == 0 && size->columns == 0) || !streams_.resize) return;
        streams_.resize(*size);
    }

    http::ClientConnection::RawStream stream_;
    const Streams& streams_;
    sys::SignalQueue* signals_;
    UniqueFd wakeup_;
    std::optional<sys::RawMode> raw_;
    std::atomic<bool> detached_ = false;
};

} // namespace

Result<SignalGuard> SignalGuard::create(const Streams& streams) {
    SignalGuard out;
    std::vector<int> signals;
    if (streams.forward)
        signals = forwarded_signals();
    else if (streams.tty && streams.in)
        signals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM}; // the terminal must be restored
    if (streams.tty && streams.resize) signals.push_back(SIGWINCH);
    if (!signals.empty()) out.queue_.emplace(TRY(sys::SignalQueue::create(signals)));
    return out;
}

Result<PumpEnd> pump(http::ClientConnection::RawStream stream, const Streams& streams, SignalGuard& signals) {
    return Pump(std::move(stream), streams, signals.queue()).run();
}

Result<void> copy_body(const BodyReader& read, bool multiplexed) {
    Demultiplexer demux(
        [](Output to, std::string_view text) { return sys::write_all(BorrowedFd(to == Output::out ? 1 : 2), text); });
    std::vector<char> buffer(output_buffer);
    while (size_t n = TRY(read(buffer))) {
        std::string_view text(buffer.data(), n);
        TRY(multiplexed ? demux.feed(text) : sys::write_all(BorrowedFd(1), text));
    }
    return {};
}

std::string signal_name(int signal) {
    if (const char* name = ::sigabbrev_np(signal)) return name;
    if (signal >= SIGRTMIN && signal <= SIGRTMAX) return "RTMIN+" + std::to_string(signal - SIGRTMIN);
    return std::to_string(signal);
}

} // namespace hull::cli
