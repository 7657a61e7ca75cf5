#include "rpc/callbacks.h"

#include <algorithm>
#include <array>

namespace hull::rpc {

namespace {

Http2& self(void* user) { return *static_cast<Http2*>(user); }

std::optional<int> number_of(std::string_view text) {
    int value = 0;
    if (text.empty() || text.size() > 3) return std::nullopt;
    for (char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

} // namespace

StreamPtr Callbacks::find(Http2& http2, int32_t id) {
    auto it = http2.streams_.find(id);
    return it == http2.streams_.end() ? nullptr : it->second;
}

int Callbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2& http2 = self(user);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto stream = std::make_shared<Stream>();
    stream->id = frame->hd.stream_id;
    http2.streams_.emplace(stream->id, std::move(stream));
    return 0;
}

int Callbacks::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                         const uint8_t* value, size_t value_size, uint8_t, void* user) {
    Http2& http2 = self(user);
    auto stream = find(http2, frame->hd.stream_id);
    if (!stream) return 0;
    stream->header_bytes += name_size + value_size + 32;
    if (stream->header_bytes > http2.limits_.header_bytes) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    std::string_view key = text_of(name, name_size), text = text_of(value, value_size);
    if (key == ":path")
        stream->path = text;
    else if (key == ":status" && text != "200")
        stream->status.emplace(Code::unavailable), stream->status_text = "HTTP status " + std::string(text);
    else if (key == "grpc-status")
        stream->status = static_cast<Code>(number_of(text).value_or(static_cast<int>(Code::unknown)));
    else if (key == "grpc-message")
        stream->status_text = percent_decoded(text);
    else if (!key.starts_with(':'))
        stream->headers.emplace_back(key, text);
    return 0;
}

int Callbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2& http2 = self(user);
    bool headers = frame->hd.type == NGHTTP2_HEADERS;
    if (!headers && frame->hd.type != NGHTTP2_DATA) return 0;
    auto stream = find(http2, frame->hd.stream_id);
    if (!stream) return 0;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) stream->in_ended = true;
    if (headers && frame->headers.cat == NGHTTP2_HCAT_REQUEST) http2.dispatch(stream);
    stream->changed.notify_all();
    return 0;
}

int Callbacks::data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user) {
    Http2& http2 = self(user);
    auto stream = find(http2, id);
    if (!stream || stream->reset) { // nobody takes it: give the room back
        nghttp2_session_consume(http2.session_, id, size);
        return 0;
    }
    stream->in.append(text_of(bytes, size));
    stream->changed.notify_all();
    return 0;
}

int Callbacks::closed(nghttp2_session*, int32_t id, uint32_t code, void* user) {
    Http2& http2 = self(user);
    auto stream = find(http2, id);
    if (!stream) return 0;
    stream->over = stream->in_ended = true;
    if (!stream->status && code != NGHTTP2_NO_ERROR) {
        stream->status = code == NGHTTP2_CANCEL ? Code::cancelled : Code::unavailable;
        stream->status_text = std::string("the call was reset: ") + nghttp2_http2_strerror(code);
    }
    // What waits in it no longer counts against the connection's window.
    if (!stream->in.empty()) nghttp2_session_consume_connection(http2.session_, stream->in.size());
    http2.streams_.erase(id);
    stream->changed.notify_all();
    return 0;
}

ssize_t Callbacks::read_data(nghttp2_session* session, int32_t id, uint8_t* into, size_t room, uint32_t* flags,
                             nghttp2_data_source* source, void*) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    size_t size = stream.out.copy(reinterpret_cast<char*>(into), room, stream.out_from);
    stream.out_from += size;
    if (size > 0) stream.changed.notify_all();
    if (stream.unsent() > 0) return static_cast<ssize_t>(size);
    stream.out.clear();
    stream.out_from = 0;
    if (stream.out_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream.trailer) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            std::string code = std::to_string(static_cast<int>(stream.trailer->first));
            std::string text = percent_encoded(stream.trailer->second);
            std::array lines{header("grpc-status", code), header("grpc-message", text)};
            nghttp2_submit_trailer(session, id, lines.data(), text.empty() ? 1 : 2);
        }
    } else if (size == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(size);
}

} // namespace hull::rpc
