#include "runtime/keeper/client_stream.h"

#include <array>

#include <sys/epoll.h>

#include "base/clock.h"
#include "sys/nonblocking.h"

namespace hull::keeper {

namespace {

constexpr size_t max_input = size_t{64} << 10;
constexpr int send_buffer = 1 << 20;

// The Engine API's "Stream format": stream, three zeros, length big-endian.
std::array<char, 8> frame_header(OutputStream stream, size_t length) {
    auto byte = [&](int shift) { return static_cast<char>(length >> shift & 0xff); };
    return {static_cast<char>(stream), 0, 0, 0, byte(24), byte(16), byte(8), byte(0)};
}

iovec part(std::string_view data) { return {const_cast<char*>(data.data()), data.size()}; }

} // namespace

Result<std::unique_ptr<ClientStream>> ClientStream::create(event::Loop& loop, ClientOwner& owner, UniqueFd socket,
                                                           const ClientState& state) {
    TRY(sys::make_nonblocking(socket));
    sys::grow_send_buffer(socket, send_buffer);
    std::unique_ptr<ClientStream> client(new ClientStream(loop, owner, std::move(socket), state));
    uint32_t events = client->wanted_events();
    client->watch_ = TRY(loop.add(client->socket_, events, [raw = client.get()](uint32_t e) { raw->on_ready(e); }));
    return client;
}

ClientStream::ClientStream(event::Loop& loop, ClientOwner& owner, UniqueFd socket, const ClientState& state)
    : loop_(loop), owner_(&owner), socket_(std::move(socket)), state_(state),
      keys_(state.terminal ? state.detach_keys : std::string(), state.terminal ? state.keys_matched : 0),
      progress_at_(monotonic_ns()) {}

ClientStream::~ClientStream() {
    loop_.cancel(hang_up_timer_);
    loop_.remove(watch_);
    if (socket_) sys::end_politely(socket_);
}

uint32_t ClientStream::wanted_events() const {
    uint32_t events = 0;
    if (state_.in && !state_.input_ended && input().size() < max_input) events |= EPOLLIN;
    if (pending() > 0 && !hung_up_) events |= EPOLLOUT;
    return events;
}

void ClientStream::update_watch() {
    uint32_t events = wanted_events();
    // Hang-up is reported whether wanted or not: once seen, only a watch that
    // can make progress is kept, or the loop would spin.
    if (hung_up_ && events == 0) {
        loop_.remove(watch_);
        watch_ = {};
    } else if (watch_.valid()) {
        (void)loop_.change(watch_, events);
    } else if (auto added = loop_.add(socket_, events, [this](uint32_t e) { on_ready(e); }); added.ok()) {
        watch_ = *added;
    }
}

void ClientStream::on_ready(uint32_t events) {
    if (events & EPOLLOUT) flush();
    if (events & (EPOLLHUP | EPOLLERR)) hang_up();
    // What it typed before it left still counts.
    if (hung_up_ && (!state_.in || state_.input_ended)) return owner_->on_client_gone(*this);
    bool drained = events & EPOLLOUT && pending() == 0;
    if (state_.in && !state_.input_ended && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && input().size() < max_input) {
        // The owner may destroy this when it hears of the input.
        if (drained) {
            update_watch();
            owner_->on_client_drained(*this);
            return; // level-triggered: the input is reported again
        }
        return read_input();
    }
    update_watch();
    if (drained) owner_->on_client_drained(*this);
}

void ClientStream::read_input() {
    std::array<char, max_input> buffer;
    auto n = sys::read_now(socket_, buffer);
    bool detached = false;
    if (!n.ok() || *n == size_t{0})
        state_.input_ended = true;
    else if (n->has_value())
        detached = type({buffer.data(), **n});
    else
        return update_watch();
    update_watch();
    if (detached) return owner_->on_client_detached(*this);
    owner_->on_client_input(*this);
}

bool ClientStream::type(std::string_view data) {
    if (consumed_ > 0) {
        state_.input.erase(0, consumed_);
        consumed_ = 0;
    }
    return keys_.feed(data, state_.input);
}

void ClientStream::consume_input(size_t bytes) {
    consumed_ += bytes;
    if (consumed_ == state_.input.size()) {
        std::string().swap(state_.input);
        consumed_ = 0;
    }
    update_watch();
}

void ClientStream::stop_input() {
    state_.in = false;
    std::string().swap(state_.input);
    consumed_ = 0;
    update_watch();
}

void ClientStream::send(OutputStream stream, std::string_view data) {
    if (hung_up_) return;
    auto header = frame_header(stream, data.size());
    std::string_view head = state_.terminal ? std::string_view() : std::string_view(header.data(), header.size());
    size_t written = 0;
    if (pending() == 0) {
        std::array<iovec, 2> parts{part(head), part(data)};
        auto n = sys::write_now(socket_, parts);
        if (!n.ok()) {
            hang_up();
            // Not from here: the owner is in the midst of serving its clients.
            hang_up_timer_ = loop_.after(0, [this] { on_ready(EPOLLHUP); });
            return;
        }
        written = *n;
        progress_at_ = monotonic_ns();
    }
    if (written == head.size() + data.size()) return;
    if (written < head.size()) {
        state_.output.append(head.substr(written));
        state_.output.append(data);
    } else {
        state_.output.append(data.substr(written - head.size()));
    }
    update_watch();
}

void ClientStream::hang_up() {
    hung_up_ = true;
    std::string().swap(state_.output);
    sent_ = 0;
}

void ClientStream::flush() {
    if (pending() == 0) return;
    std::array<iovec, 1> parts{part(std::string_view(state_.output).substr(sent_))};
    auto n = sys::write_now(socket_, parts);
    if (!n.ok()) return hang_up();
    sent_ += *n;
    progress_at_ = monotonic_ns();
    if (pending() == 0) {
        std::string().swap(state_.output);
        sent_ = 0;
    }
}

bool ClientStream::stalled(int64_t now) const {
    return !state_.foreground && pending() > 0 && now - progress_at_ > max_stall_ns;
}

ClientState ClientStream::state() const {
    ClientState state = state_;
    state.fd = socket_.get();
    state.keys_matched = static_cast<uint32_t>(keys_.matched());
    state.input.erase(0, consumed_);
    state.output.erase(0, sent_);
    return state;
}

} // namespace hull::keeper
