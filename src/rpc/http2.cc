#include "rpc/http2.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "rpc/callbacks.h"
#include "sys/poll.h"
#include "sys/ready.h"
#include "sys/stream_socket.h"
#include "sys/thread.h"

namespace hull::rpc {

namespace {

constexpr size_t thread_stack = size_t{256} << 10;
constexpr size_t read_bytes = size_t{64} << 10;
constexpr size_t most_unsent = size_t{1} << 20; // beyond it nothing more is read
constexpr size_t frame_head = 5;                // of a gRPC message

} // namespace

Http2::~Http2() {
    if (session_) nghttp2_session_del(session_);
}

Result<void> Http2::start(std::string early) {
    TRY(sys::set_nonblocking(socket_));
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* options = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&options) != 0)
        return Error(ErrorKind::system, "out of memory");
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::closed);
    nghttp2_option_set_no_auto_window_update(options, 1);
    int made = side_ == Side::client ? nghttp2_session_client_new2(&session_, callbacks, this, options)
                                     : nghttp2_session_server_new2(&session_, callbacks, this, options);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
    if (made != 0) return Error(ErrorKind::system, std::string("HTTP/2: ") + nghttp2_strerror(made));
    std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.streams},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.stream_window},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits_.header_bytes)},
    };
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<int32_t>(limits_.connection_window));
    return sys::start_thread("rpc", thread_stack, [self = shared_from_this(), early = std::move(early)] {
        if (early.empty() || self->take(early)) self->serve();
        std::unique_lock lock(self->mutex_);
        self->served_ = true;
        auto closed = std::exchange(self->on_closed_, nullptr);
        lock.unlock();
        if (closed) closed();
    });
}

// The connection's thread.
void Http2::serve() {
    std::string buffer(read_bytes, '\0');
    for (;;) {
        bool writes_wait = false, too_much = false;
        {
            std::lock_guard lock(mutex_);
            flush_or_end();
            if (!ended_ && closing_ && unsent_.empty()) end("the connection was closed");
            if (!ended_ && !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_) &&
                unsent_.empty())
                end("the peer closed the connection");
            if (ended_) return;
            writes_wait = !unsent_.empty();
            too_much = unsent_.size() - unsent_from_ > most_unsent;
        }
        using Wanted = sys::Readiness::Wanted;
        std::array ready{sys::Readiness{wake_.borrow()}, sys::Readiness{too_much ? BorrowedFd() : socket_.borrow()},
                         sys::Readiness{writes_wait ? socket_.borrow() : BorrowedFd(), Wanted::write}};
        if (auto waited = sys::wait_ready(ready); !waited.ok()) {
            std::lock_guard lock(mutex_);
            return end(waited.error().message());
        }
        if (ready[0].ready) sys::clear_eventfd(wake_);
        if (!ready[1].ready) continue;
        auto size = sys::receive_now(socket_, buffer);
        if (size.ok() && !*size) continue;
        if (!size.ok() || **size == 0) {
            std::lock_guard lock(mutex_);
            return end(size.ok() ? "the peer closed the connection" : size.error().message());
        }
        if (!take(std::string_view(buffer).substr(0, **size))) return;
    }
}

// False: the connection has ended.
bool Http2::take(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (used < 0) {
        (void)flush(); // GOAWAY says why
        end(std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(used)));
        return false;
    }
    flush_or_end();
    return !ended_;
}

// Under the mutex.
Result<void> Http2::flush() {
    for (;;) {
        while (unsent_.size() - unsent_from_ < read_bytes) {
            const uint8_t* bytes = nullptr;
            ssize_t size = nghttp2_session_mem_send(session_, &bytes);
            if (size < 0) return Error(ErrorKind::system, nghttp2_strerror(static_cast<int>(size)));
            if (size == 0) break;
            unsent_.append(text_of(bytes, static_cast<size_t>(size)));
        }
        if (unsent_from_ == unsent_.size()) {
            unsent_.clear();
            unsent_from_ = 0;
            return {};
        }
        size_t sent = TRY(sys::send_now(socket_, std::string_view(unsent_).substr(unsent_from_)));
        unsent_from_ += sent;
        if (sent == 0) {
            unsent_.erase(0, unsent_from_);
            unsent_from_ = 0;
            // The connection's thread waits for room. It is told once: it comes here itself, too.
            if (!std::exchange(full_, true)) sys::raise_eventfd(wake_);
            return {};
        }
        full_ = false;
    }
}

void Http2::flush_or_end() {
    if (ended_) return;
    if (auto flushed = flush(); !flushed.ok()) end(flushed.error().message());
}

// Under the mutex. The socket is shut down, so that the thread wakes.
void Http2::end(const std::string& why) {
    if (ended_) return;
    ended_ = true;
    ending_ = why;
    sys::shut_down(socket_);
    for (auto& [id, stream] : streams_) {
        stream->over = stream->in_ended = true;
        if (!stream->status) {
            stream->status = Code::unavailable;
            stream->status_text = why;
        }
        stream->changed.notify_all();
    }
    streams_.clear();
    ended_changed_.notify_all();
}

void Http2::dispatch(const StreamPtr& stream) {
    if (!handler_) return reset(*stream, Code::unimplemented, "no calls are served here");
    auto call = std::make_shared<Call>(shared_from_this(), stream);
    auto started = sys::start_thread("rpc-call", thread_stack, [self = shared_from_this(), call]() mutable {
        self->handler_(call);
        call.reset();
    });
    if (started.ok()) return;
    log::warning("serve a call", started.error());
    reset(*stream, Code::resource_exhausted, "too many calls");
}

void Http2::reset(Stream& stream, Code code, std::string text) {
    if (stream.over || stream.reset) return;
    stream.reset = true;
    if (!stream.status) {
        stream.status = code;
        stream.status_text = std::move(text);
    }
    if (!ended_) {
        nghttp2_session_consume(session_, stream.id, stream.in.size());
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
    }
    stream.in.clear();
    stream.out.clear();
    stream.out_from = 0;
    stream.changed.notify_all();
}

Result<StreamPtr> Http2::open(const std::string& path, const Metadata& metadata) {
    std::lock_guard lock(mutex_);
    if (ended_ || closing_)
        return Error(ErrorKind::unavailable, ending_.empty() ? "the connection is closed" : ending_);
    auto stream = std::make_shared<Stream>();
    stream->ours = true;
    stream->path = path;
    std::vector lines{header(":method", "POST"),
                      header(":scheme", "http"),
                      header(":path", path),
                      header(":authority", "localhost"),
                      header("content-type", "application/grpc"),
                      header("user-agent", "hull"),
                      header("te", "trailers")};
    for (const auto& [name, value] : metadata) lines.push_back(header(name, value));
    nghttp2_data_provider provider{{.ptr = stream.get()}, Callbacks::read_data};
    stream->id = nghttp2_submit_request(session_, nullptr, lines.data(), lines.size(), &provider, nullptr);
    if (stream->id < 0) return Error(ErrorKind::system, std::string("HTTP/2: ") + nghttp2_strerror(stream->id));
    streams_.emplace(stream->id, stream);
    flush_or_end();
    return stream;
}

Error Http2::ending_of(const Stream& stream) const {
    if (stream.status && *stream.status != Code::ok) return error_of(*stream.status, stream.status_text);
    return {ErrorKind::cancelled, "the call is over"};
}

Result<void> Http2::check_sendable(Stream& stream) {
    if (stream.over || stream.reset) return ending_of(stream);
    if (stream.out_ended) return Error(ErrorKind::internal, "a message after the end of a call");
    return {};
}

// A server's answer begins with its first message.
void Http2::answer_head(Stream& stream) {
    if (stream.ours || stream.answered) return;
    stream.answered = true;
    std::array lines{header(":status", "200"), header("content-type", "application/grpc")};
    nghttp2_data_provider provider{{.ptr = &stream}, Callbacks::read_data};
    nghttp2_submit_response(session_, stream.id, lines.data(), lines.size(), &provider);
}

void Http2::append(Stream& stream, std::string_view message) {
    std::array<char, frame_head> head{};
    for (size_t i = 0; i < 4; ++i) head[4 - i] = static_cast<char>(message.size() >> 8 * i);
    stream.out.append(head.data(), head.size());
    stream.out += message;
}

Result<void> Http2::send(Stream& stream, std::string_view message) {
    std::unique_lock lock(mutex_);
    TRY(check_sendable(stream));
    append(stream, message);
    return send_out(stream, lock);
}

Result<void> Http2::send_soon(Stream& stream, std::string_view message) {
    std::unique_lock lock(mutex_);
    TRY(check_sendable(stream));
    append(stream, message);
    stream.out_waits = true;
    return stream.unsent() < read_bytes ? Result<void>() : send_out(stream, lock);
}

Result<void> Http2::send_out(Stream& stream, std::unique_lock<std::mutex>& lock) {
    stream.out_waits = false;
    answer_head(stream);
    nghttp2_session_resume_data(session_, stream.id);
    flush_or_end();
    stream.changed.wait(lock, [&] { return stream.unsent() <= limits_.send_buffer || stream.over || stream.reset; });
    if (stream.over || stream.reset) {
        // A call that ended well while its last message was on its way is fine.
        if (stream.status && *stream.status == Code::ok) return {};
        return ending_of(stream);
    }
    return {};
}

Result<void> Http2::end_sending(Stream& stream) {
    std::lock_guard lock(mutex_);
    if (stream.over || stream.reset || stream.out_ended) return {};
    stream.out_ended = true;
    nghttp2_session_resume_data(session_, stream.id);
    flush_or_end();
    return {};
}

void Http2::consume(Stream& stream, size_t bytes) {
    if (ended_ || stream.over) return;
    nghttp2_session_consume(session_, stream.id, bytes);
    flush_or_end();
}

Result<std::optional<std::string>> Http2::receive(Stream& stream) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (size_t taken = stream.in.size()) {
            stream.partial.erase(0, std::exchange(stream.partial_from, 0));
            stream.partial += stream.in;
            stream.in.clear();
            consume(stream, taken);
        }
        std::string_view have = std::string_view(stream.partial).substr(stream.partial_from);
        if (have.size() >= frame_head) {
            size_t size = 0;
            for (size_t i = 1; i < frame_head; ++i) size = size << 8 | static_cast<unsigned char>(have[i]);
            if (have[0] != 0 || size > limits_.message_bytes) {
                bool compressed = have[0] != 0;
                reset(stream, compressed ? Code::unimplemented : Code::resource_exhausted, "bad message");
                flush_or_end();
                if (compressed) return unsupported("a compressed gRPC message came, and nobody asked for that");
                return Error(ErrorKind::too_large, "a gRPC message of " + std::to_string(size) + " bytes is too large");
            }
            if (have.size() - frame_head >= size) {
                std::string message(have.substr(frame_head, size));
                stream.partial_from += frame_head + size;
                return std::optional(std::move(message));
            }
        }
        if (stream.reset) return ending_of(stream);
        if (stream.in_ended) {
            if (!have.empty() && (!stream.status || *stream.status == Code::ok))
                return invalid("a gRPC message is cut off");
            if (stream.status && *stream.status != Code::ok) return ending_of(stream);
            if (stream.ours && !stream.status) return Error(ErrorKind::unavailable, "the call ended without a status");
            return std::optional<std::string>();
        }
        if (stream.out_waits) {
            TRY(send_out(stream, lock));
            continue;
        }
        stream.changed.wait(lock);
    }
}

void Http2::finish(Stream& stream, Code code, std::string text) {
    std::lock_guard lock(mutex_);
    if (stream.over || stream.reset || stream.out_ended) return;
    stream.trailer.emplace(code, std::move(text));
    stream.out_ended = true;
    stream.changed.notify_all();
    answer_head(stream);
    nghttp2_session_resume_data(session_, stream.id);
    flush_or_end();
}

void Http2::cancel(Stream& stream) {
    std::lock_guard lock(mutex_);
    // A server that has said its last word lets the rest go out.
    if (!stream.ours && stream.out_ended) return;
    reset(stream, Code::cancelled, "the call was cancelled");
    flush_or_end();
}

void Http2::wait_over(Stream& stream) {
    std::unique_lock lock(mutex_);
    stream.changed.wait(lock, [&] { return stream.over || stream.reset || stream.trailer; });
}

void Http2::close() {
    std::lock_guard lock(mutex_);
    if (ended_ || closing_) return;
    closing_ = true;
    nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    flush_or_end();
    sys::raise_eventfd(wake_);
}

bool Http2::closed() {
    std::lock_guard lock(mutex_);
    return ended_ || closing_;
}

void Http2::wait_closed() {
    std::unique_lock lock(mutex_);
    ended_changed_.wait(lock, [&] { return ended_; });
}

void Http2::on_closed(std::function<void()> closed) {
    {
        std::lock_guard lock(mutex_);
        if (!served_) {
            on_closed_ = std::move(closed);
            return;
        }
    }
    closed();
}

} // namespace hull::rpc
