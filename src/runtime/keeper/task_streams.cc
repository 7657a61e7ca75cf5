#include "runtime/keeper/task_streams.h"

#include <algorithm>
#include <array>

#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "sys/nonblocking.h"

namespace hull::keeper {

namespace {

constexpr std::array both{OutputStream::out, OutputStream::err};
// While draining, a client may be this far behind before the rest is given up.
constexpr size_t max_behind = size_t{16} << 20;

auto find(std::vector<std::unique_ptr<ClientStream>>& clients, ClientStream& client) {
    return std::find_if(clients.begin(), clients.end(), [&](auto& c) { return c.get() == &client; });
}

} // namespace

void LastOutput::add(std::unique_ptr<ClientStream> client) {
    client->set_owner(*this);
    client->stop_input();
    clients_.push_back(std::move(client));
}

void LastOutput::drop(ClientStream& client) { clients_.erase(find(clients_, client)); }

Result<std::unique_ptr<TaskStreams>> TaskStreams::create(Host& host, Options options, StdioFds fds,
                                                         std::optional<LogFile> log, TaskStreamsListener& listener) {
    for (const UniqueFd* fd : {&fds.in, &fds.out, &fds.err})
        if (fd->valid()) TRY(sys::make_nonblocking(*fd));
    std::unique_ptr<TaskStreams> streams(new TaskStreams(host, options, std::move(fds), std::move(log), listener));
    TRY(streams->watch_outputs());
    return streams;
}

TaskStreams::TaskStreams(Host& host, Options options, StdioFds fds, std::optional<LogFile> log,
                         TaskStreamsListener& listener)
    : host_(host), options_(options), fds_(std::move(fds)), log_(std::move(log)), listener_(listener) {}

TaskStreams::~TaskStreams() {
    host_.loop.cancel(drain_limit_);
    host_.loop.cancel(stall_timer_);
    host_.loop.remove(in_watch_);
    unwatch_outputs();
}

// ---- output ----------------------------------------------------------------

Result<void> TaskStreams::watch_outputs() {
    for (OutputStream stream : both) {
        Output& one = output(stream);
        if (!fd_of(stream) || one.watch.valid() || one.clock.valid()) continue;
        one.watch = TRY(host_.loop.add(fd_of(stream), EPOLLIN, [this, stream](uint32_t) { on_output(stream); }));
    }
    return {};
}

void TaskStreams::stop_reading(OutputStream stream) {
    Output& one = output(stream);
    host_.loop.remove(std::exchange(one.watch, {}));
    host_.loop.cancel(std::exchange(one.clock, {}));
}

void TaskStreams::unwatch_outputs() {
    for (OutputStream stream : both) stop_reading(stream);
}

void TaskStreams::on_output(OutputStream stream) {
    size_t bytes = read_output(stream);
    if (bytes == 0 || paused_ || options_.terminal || !is_busy(output(stream), bytes)) return;
    sys::grow_pipe(fd_of(stream), busy_pipe_bytes);
    stop_reading(stream);
    output(stream).clock = host_.loop.after(busy_interval_ns, [this, stream] { read_by_the_clock(stream); });
}

bool TaskStreams::is_busy(Output& output, size_t bytes) {
    constexpr int64_t quick_ns = 300'000;
    constexpr int many = 8;
    int64_t now = monotonic_ns();
    bool quick = now - std::exchange(output.read_at, now) < quick_ns && bytes < host_.chunk.size() / 2;
    output.quick_reads = quick ? output.quick_reads + 1 : 0;
    return output.quick_reads >= many;
}

void TaskStreams::read_by_the_clock(OutputStream stream) {
    output(stream).clock = {};
    constexpr int turns = 8; // then it's the others' turn
    size_t all = 0;
    for (int i = 0; i < turns && fd_of(stream) && !paused_; ++i) {
        size_t bytes = read_output(stream);
        all += bytes;
        if (bytes < host_.chunk.size()) break;
    }
    if (paused_ || !fd_of(stream)) return;
    if (all == 0) {
        output(stream).quick_reads = 0;
        if (auto watched = watch_outputs(); !watched.ok()) log::error("watch a container's output", watched.error());
        return;
    }
    output(stream).clock = host_.loop.after(busy_interval_ns, [this, stream] { read_by_the_clock(stream); });
}

size_t TaskStreams::read_output(OutputStream stream) {
    auto n = sys::read_now(fd_of(stream), host_.chunk);
    if (n.ok() && !n->has_value()) return 0;
    if (!n.ok() || **n == 0) {
        if (!n.ok()) log::error("read a container's output", n.error());
        close_output(stream);
        return 0;
    }
    std::string_view data(host_.chunk.data(), **n);
    if (log_) log_->write(stream, data, wall_now());
    for (auto& client : clients_)
        if (client->wants(stream)) client->send(stream, data);
    if (!draining_ && !paused_ && client_is_behind()) pause();
    return data.size();
}

void TaskStreams::close_output(OutputStream stream) {
    stop_reading(stream);
    fd_of(stream).reset();
    // Nobody but the program's end makes clients go: it may run on for long.
    if (draining_ && !fds_.out && !fds_.err) drained();
}

bool TaskStreams::client_is_behind() const {
    return std::any_of(clients_.begin(), clients_.end(), [](auto& client) { return client->pending() > 0; });
}

void TaskStreams::drain() {
    draining_ = true;
    drain_limit_ = host_.loop.after(max_drain_ns, [this] { drained(); });
    for (OutputStream stream : both) {
        // What a pipe can hold, and no more: someone else may go on writing.
        for (int reads = 0; reads < 64 && fd_of(stream); ++reads) {
            if (read_output(stream) == 0) break;
            bool hopeless = std::any_of(clients_.begin(), clients_.end(),
                                        [](auto& client) { return client->pending() > max_behind; });
            if (hopeless) return drained();
        }
    }
    if (!fds_.out && !fds_.err) return drained();
    if (auto watched = watch_outputs(); !watched.ok()) drained();
}

void TaskStreams::drained() {
    if (std::exchange(drained_, true)) return;
    host_.loop.cancel(drain_limit_);
    // From the loop: the listener destroys this.
    drain_limit_ = host_.loop.after(0, [this] { listener_.on_streams_drained(); });
}

void TaskStreams::end_log() {
    if (log_) log_->finish(wall_now());
    log_.reset();
}

void TaskStreams::end() {
    end_log();
    unwatch_outputs();
    host_.loop.remove(in_watch_);
    in_watch_ = {};
    fds_ = {};
    for (auto& client : std::exchange(clients_, {}))
        if (client->pending() > 0) host_.last_output.add(std::move(client));
}

// ---- clients ---------------------------------------------------------------

Result<void> TaskStreams::attach(UniqueFd socket, const StreamOptions& options) {
    ClientState state;
    using Framing = StreamOptions::Framing;
    state.terminal =
        options.framing == Framing::never || (options.framing == Framing::without_terminal && options_.terminal);
    state.in = options.in && fds_.in;
    state.out = options.out;
    state.err = options.err && !options_.terminal;
    // A terminal has one output; whoever asks for either gets it.
    if (options_.terminal) state.out = options.out || options.err;
    state.foreground = options.foreground;
    state.detach_keys = options.detach_keys;
    auto client = TRY(ClientStream::create(host_.loop, *this, std::move(socket), state));
    bool detached = state.in && client->type(options.already_read);
    clients_.push_back(std::move(client));
    ClientStream& added = *clients_.back();
    if (detached)
        on_client_detached(added);
    else if (!options.already_read.empty())
        on_client_input(added);
    return {};
}

void TaskStreams::on_client_drained(ClientStream&) { resume_if_possible(); }

void TaskStreams::on_client_detached(ClientStream& client) {
    listener_.on_detached();
    on_client_gone(client);
}

void TaskStreams::on_client_gone(ClientStream& client) {
    // What was typed before the detach keys, if the program takes it now.
    if (fds_.in && !in_watch_.valid() && !client.input().empty()) (void)write_input(client.input());
    clients_.erase(find(clients_, client));
    resume_if_possible();
}

void TaskStreams::pause() {
    paused_ = true;
    unwatch_outputs();
    stall_timer_ = host_.loop.after(ClientStream::max_stall_ns, [this] { drop_stalled(); });
}

void TaskStreams::resume_if_possible() {
    if (!paused_ || client_is_behind()) return;
    paused_ = false;
    host_.loop.cancel(stall_timer_);
    if (auto watched = watch_outputs(); !watched.ok()) log::error("watch a container's output", watched.error());
}

void TaskStreams::drop_stalled() {
    stall_timer_ = host_.loop.after(ClientStream::max_stall_ns / 4, [this] { drop_stalled(); });
    std::vector<ClientStream*> stalled;
    for (auto& client : clients_)
        if (client->stalled(monotonic_ns())) stalled.push_back(client.get());
    for (ClientStream* client : stalled) on_client_gone(*client);
}

// ---- input -----------------------------------------------------------------

void TaskStreams::on_client_input(ClientStream& client) {
    if (!fds_.in && !client.input().empty()) client.stop_input();
    flush_input();
}

Result<size_t> TaskStreams::write_input(std::string_view input) {
    std::array<iovec, 1> parts{iovec{const_cast<char*>(input.data()), input.size()}};
    return sys::write_now(fds_.in, parts);
}

void TaskStreams::flush_input() {
    bool full = false;
    for (size_t i = 0; i < clients_.size() && fds_.in && !full; ++i) {
        ClientStream& client = *clients_[i];
        while (!client.input().empty() && !full) {
            auto n = write_input(client.input());
            if (!n.ok()) {
                close_stdin(); // the program reads no more
                break;
            }
            full = *n == 0;
            if (*n > 0) client.consume_input(*n);
        }
    }
    if (full && !in_watch_.valid()) {
        auto added = host_.loop.add(fds_.in, EPOLLOUT, [this](uint32_t) {
            host_.loop.remove(in_watch_);
            in_watch_ = {};
            flush_input();
        });
        if (added.ok()) in_watch_ = *added;
    }
    // By index from the end: a client whose input ended may go.
    for (size_t i = clients_.size(); i-- > 0;)
        if (i < clients_.size() && clients_[i]->input_ended() && clients_[i]->input().empty())
            input_of_client_ended(*clients_[i]);
}

void TaskStreams::input_of_client_ended(ClientStream& client) {
    if (!client.wants_input()) {
        if (client.hung_up()) on_client_gone(client);
        return;
    }
    // As Docker: with stdin_once this is the program's end of input; otherwise
    // it is the client's way to leave.
    if (options_.stdin_once && !options_.terminal) {
        client.stop_input();
        close_stdin();
        if (client.hung_up() || !client.wants_output()) on_client_gone(client);
    } else if (client.pending() > 0 && !client.hung_up()) {
        auto at = find(clients_, client);
        std::unique_ptr<ClientStream> leaving = std::move(*at);
        clients_.erase(at);
        host_.last_output.add(std::move(leaving));
        resume_if_possible();
    } else {
        on_client_gone(client);
    }
}

void TaskStreams::close_stdin() {
    if (!fds_.in) return;
    host_.loop.remove(in_watch_);
    in_watch_ = {};
    fds_.in.reset();
    if (!options_.terminal) listener_.on_stdin_closed();
    for (auto& client : clients_) client->stop_input();
}

// ---- re-execution ----------------------------------------------------------

StreamsState TaskStreams::state() const {
    StreamsState state{fds_.in.get(), fds_.out.get(), fds_.err.get(), {}, {}, {}};
    if (log_) {
        state.out_held_back = log_->held_back(OutputStream::out);
        state.err_held_back = log_->held_back(OutputStream::err);
    }
    for (auto& client : clients_) state.clients.push_back(client->state());
    return state;
}

void TaskStreams::release() {
    for (UniqueFd* fd : {&fds_.in, &fds_.out, &fds_.err}) (void)fd->release();
    for (auto& client : clients_) client->release();
}

Result<void> TaskStreams::restore(StreamsState& state) {
    if (log_) {
        log_->hold_back(OutputStream::out, std::move(state.out_held_back));
        log_->hold_back(OutputStream::err, std::move(state.err_held_back));
    }
    for (ClientState& client : state.clients)
        clients_.push_back(TRY(ClientStream::create(host_.loop, *this, UniqueFd(client.fd), client)));
    if (client_is_behind()) pause();
    flush_input();
    return {};
}

} // namespace hull::keeper
