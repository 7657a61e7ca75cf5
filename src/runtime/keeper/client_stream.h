// One attached client: its socket, what it types, and the output it has not
// taken yet. Single-threaded; lives in the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "event/loop.h"
#include "runtime/keeper/detach_keys.h"
#include "runtime/keeper/log_file.h"
#include "runtime/keeper/protocol.h"

namespace hull::keeper {

class ClientStream;

// Who is told what happens to a client: the task's streams, or, after the
// task's end, who sees the last output through. May destroy the client in
// on_client_gone() and on_client_drained().
class ClientOwner {
public:
    virtual ~ClientOwner() = default;
    virtual void on_client_input(ClientStream& client) = 0;   // input() has grown, or input_ended()
    virtual void on_client_drained(ClientStream& client) = 0; // it has taken all output
    virtual void on_client_gone(ClientStream& client) = 0;    // left
    virtual void on_client_detached(ClientStream& client) { on_client_gone(client); } // left by its keys
};

// All of a client that a keeper which takes over must know; fd is a number.
struct ClientState {
    int32_t fd = -1;
    bool terminal = false, in = false, out = false, err = false, foreground = false, input_ended = false;
    std::string detach_keys;
    uint32_t keys_matched = 0;
    std::string input, output;
};
void fields(auto& io, Of<ClientState> auto& v) {
    all(io, v.fd, v.terminal, v.in, v.out, v.err, v.foreground, v.input_ended, v.detach_keys, v.keys_matched, v.input,
        v.output);
}

class ClientStream {
public:
    // How long a client that is not in the foreground may take nothing.
    static constexpr int64_t max_stall_ns = 60'000'000'000;

    // The socket becomes non-blocking. terminal: output goes as it is, else framed.
    static Result<std::unique_ptr<ClientStream>> create(event::Loop& loop, ClientOwner& owner, UniqueFd socket,
                                                        const ClientState& state);
    ~ClientStream();
    ClientStream(const ClientStream&) = delete;
    ClientStream& operator=(const ClientStream&) = delete;

    void set_owner(ClientOwner& owner) { owner_ = &owner; }

    bool wants(OutputStream stream) const { return stream == OutputStream::out ? state_.out : state_.err; }
    bool wants_output() const { return state_.out || state_.err; }
    bool wants_input() const { return state_.in; }

    // What the socket doesn't take at once is kept; see pending().
    void send(OutputStream stream, std::string_view data);
    size_t pending() const { return state_.output.size() - sent_; }
    // Takes nothing although there is something, for longer than it may.
    bool stalled(int64_t now) const;

    // As if the client had sent it. True: it holds the detach keys.
    bool type(std::string_view data);

    // Bytes for the program; the owner calls consume_input() as they are
    // written. While there are many the client is not read.
    std::string_view input() const { return std::string_view(state_.input).substr(consumed_); }
    void consume_input(size_t bytes);
    bool input_ended() const { return state_.input_ended; }
    bool hung_up() const { return hung_up_; } // it will take no more output
    // Nobody reads the program's input any more.
    void stop_input();

    // The state to hand over; the socket stays open when this is destroyed
    // after release().
    ClientState state() const;
    void release() { (void)socket_.release(); }

private:
    ClientStream(event::Loop& loop, ClientOwner& owner, UniqueFd socket, const ClientState& state);
    void on_ready(uint32_t events);
    void read_input();
    void flush();
    void hang_up();
    void update_watch();
    uint32_t wanted_events() const;

    event::Loop& loop_;
    ClientOwner* owner_;
    UniqueFd socket_;
    event::Watch watch_;
    ClientState state_;
    DetachMatcher keys_;
    size_t sent_ = 0, consumed_ = 0; // of state_.output, state_.input
    int64_t progress_at_ = 0;        // monotonic: last time that output was taken
    bool hung_up_ = false;           // the client takes no more output
    event::Timer hang_up_timer_;
};

} // namespace hull::keeper
