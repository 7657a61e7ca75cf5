// The streams of one task: from the program to its log and its clients, from
// the clients to the program.
//
//   create -> attach* -> drain (the program ended) -> on_streams_drained -> end
//
// Output that comes in many small pieces is read by the clock, every
// millisecond, instead of piece by piece: a third of the work, for a delay that
// nobody sees. An idle or leisurely program's output is read at once.
//
// Back pressure: while a client has not taken its output, the program's output
// is not read (as with Docker); the program waits, other tasks don't. A client
// that attached to a running task and takes nothing for a minute is dropped.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "event/loop.h"
#include "runtime/keeper/client_stream.h"
#include "runtime/keeper/log_file.h"
#include "runtime/keeper/protocol.h"

namespace hull::keeper {

class TaskStreamsListener {
public:
    virtual ~TaskStreamsListener() = default;
    virtual void on_stdin_closed() = 0;
    virtual void on_detached() {}          // a client left by its keys
    virtual void on_streams_drained() = 0; // once, after drain()
};

// Clients of tasks that ended, until they have taken the last output.
class LastOutput : public ClientOwner {
public:
    void add(std::unique_ptr<ClientStream> client);
    bool empty() const { return clients_.empty(); }
    std::vector<std::unique_ptr<ClientStream>>& clients() { return clients_; }

    void on_client_input(ClientStream& client) override { client.stop_input(); }
    void on_client_drained(ClientStream& client) override { drop(client); }
    void on_client_gone(ClientStream& client) override { drop(client); }

private:
    void drop(ClientStream& client);
    std::vector<std::unique_ptr<ClientStream>> clients_;
};

// Our ends of the program's standard streams. With a terminal: out is its
// master, err is absent, in is a copy of out.
struct StdioFds {
    UniqueFd in, out, err;
};

// All of it that a keeper which takes over must know; fds are numbers, -1: none.
struct StreamsState {
    int32_t in = -1, out = -1, err = -1;
    std::string out_held_back, err_held_back; // unfinished log lines
    std::vector<ClientState> clients;
};
void fields(auto& io, Of<StreamsState> auto& v) {
    all(io, v.in, v.out, v.err, v.out_held_back, v.err_held_back, v.clients);
}

class TaskStreams : private ClientOwner {
public:
    // Shared by all tasks of a keeper.
    struct Host {
        event::Loop& loop;
        LineBuffer& lines;
        std::span<char> chunk; // what one read takes at most
        LastOutput& last_output;
    };
    struct Options {
        bool terminal = false;
        bool stdin_once = false;
    };
    static constexpr int64_t max_drain_ns = 2'000'000'000;
    static constexpr int64_t busy_interval_ns = 1'000'000;
    static constexpr int busy_pipe_bytes = 1 << 20; // what may come in that time

    // fds become non-blocking. Without log, output goes to clients only.
    static Result<std::unique_ptr<TaskStreams>> create(Host& host, Options options, StdioFds fds,
                                                       std::optional<LogFile> log, TaskStreamsListener& listener);
    ~TaskStreams() override;

    Result<void> attach(UniqueFd socket, const StreamOptions& options);
    // The program ended: reads what is left, to the end of file, or for
    // max_drain_ns when someone else keeps the streams open.
    void drain();
    // The log is complete and closed.
    void end_log();
    // Closes everything. Clients get what they have not taken yet.
    void end();

    const StdioFds& fds() const { return fds_; }

    // For re-execution. After release() nothing is closed by the destructor.
    StreamsState state() const;
    void release();
    Result<void> restore(StreamsState& state);

private:
    struct Output {
        event::Watch watch;
        event::Timer clock;  // valid while busy
        int64_t read_at = 0; // monotonic
        int quick_reads = 0; // small pieces in quick succession
    };
    TaskStreams(Host& host, Options options, StdioFds fds, std::optional<LogFile> log, TaskStreamsListener& listener);
    void on_client_input(ClientStream& client) override;
    void on_client_drained(ClientStream& client) override;
    void on_client_gone(ClientStream& client) override;
    void on_client_detached(ClientStream& client) override;

    Result<void> watch_outputs();
    void unwatch_outputs();
    UniqueFd& fd_of(OutputStream stream) { return stream == OutputStream::out ? fds_.out : fds_.err; }
    Output& output(OutputStream stream) { return outputs_[stream == OutputStream::out ? 0 : 1]; }
    size_t read_output(OutputStream stream); // bytes; 0: nothing there now, or closed
    void on_output(OutputStream stream);
    bool is_busy(Output& output, size_t bytes);
    void read_by_the_clock(OutputStream stream);
    void stop_reading(OutputStream stream);
    void close_output(OutputStream stream);
    bool client_is_behind() const;
    void pause();
    void resume_if_possible();
    void drop_stalled();
    Result<size_t> write_input(std::string_view input); // bytes taken, 0: no room
    void flush_input();
    void input_of_client_ended(ClientStream& client);
    void close_stdin();
    void drained();

    Host& host_;
    Options options_;
    StdioFds fds_;
    event::Watch in_watch_;
    std::array<Output, 2> outputs_;
    std::optional<LogFile> log_;
    TaskStreamsListener& listener_;
    std::vector<std::unique_ptr<ClientStream>> clients_;
    event::Timer drain_limit_, stall_timer_;
    bool paused_ = false, draining_ = false, drained_ = false;
};

} // namespace hull::keeper
