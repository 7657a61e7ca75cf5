#include "http/websocket.h"

#include <algorithm>
#include <array>
#include <thread>

#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::http {

namespace {

enum Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
constexpr size_t max_control = 125;

Error not_websocket(const char* why) {
    return {ErrorKind::invalid_argument, std::string("the client does not speak WebSocket: ") + why};
}

// Leaves the heads of the Engine API's frames out.
class Unframer {
public:
    // The next piece of payload at the front of bytes, which are consumed.
    std::string_view next(std::string_view& bytes) {
        constexpr size_t head_bytes = 8;
        while (left_ == 0 && !bytes.empty()) {
            head_.push_back(bytes.front());
            bytes.remove_prefix(1);
            if (head_.size() < head_bytes) continue;
            for (size_t i = 4; i < head_bytes; ++i) left_ = left_ << 8 | static_cast<unsigned char>(head_[i]);
            head_.clear();
        }
        std::string_view piece = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
        bytes.remove_prefix(piece.size());
        left_ -= piece.size();
        return piece;
    }

private:
    std::string head_;
    uint64_t left_ = 0;
};

} // namespace

std::string websocket_frame(uint8_t opcode, std::string_view payload) {
    std::string frame(1, static_cast<char>(0x80 | opcode));
    auto big_endian = [&](int bytes) {
        for (int i = bytes - 1; i >= 0; --i) frame.push_back(static_cast<char>(payload.size() >> (8 * i) & 0xff));
    };
    if (payload.size() < 126) {
        frame.push_back(static_cast<char>(payload.size()));
    } else if (payload.size() < 65536) {
        frame.push_back(126);
        big_endian(2);
    } else {
        frame.push_back(127);
        big_endian(8);
    }
    return frame.append(payload);
}

// head_ is complete: two bytes, the longer length if there is one, the mask.
Result<void> WebSocketParser::begin_frame() {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(head_[i]); };
    const bool last = byte(0) & 0x80;
    if (byte(0) & 0x70) return not_websocket("reserved bits are set");
    opcode_ = byte(0) & 0x0f;
    const bool control = opcode_ & 8;
    if (opcode_ > pong || (opcode_ > binary && !control)) return not_websocket("unknown kind of frame");
    size_t extra = (byte(1) & 0x7f) == 126 ? 2 : (byte(1) & 0x7f) == 127 ? 8 : 0;
    left_ = byte(1) & 0x7f;
    if (extra) left_ = 0;
    for (size_t i = 0; i < extra; ++i) left_ = left_ << 8 | byte(2 + i);
    if (control && (left_ > max_control || !last)) return not_websocket("a control frame is too long");
    std::copy_n(head_.begin() + static_cast<ptrdiff_t>(2 + extra), 4, mask_);
    masked_ = 0;
    head_.clear();
    control_.clear();
    in_payload_ = true;
    return {};
}

Result<void> WebSocketParser::feed(std::string_view bytes, Output& out) {
    while (!out.closed) {
        if (!in_payload_) {
            if (bytes.empty()) return {};
            head_.push_back(bytes.front());
            bytes.remove_prefix(1);
            if (head_.size() < 2) continue;
            auto second = static_cast<uint8_t>(head_[1]);
            if (!(second & 0x80)) return not_websocket("a frame is not masked");
            size_t wanted = 6 + ((second & 0x7f) == 126 ? 2 : (second & 0x7f) == 127 ? 8 : 0);
            if (head_.size() < wanted) continue;
            TRY(begin_frame());
        }
        std::string piece(bytes.substr(0, std::min<uint64_t>(left_, bytes.size())));
        bytes.remove_prefix(piece.size());
        for (char& c : piece) c = static_cast<char>(c ^ mask_[masked_++ & 3]);
        left_ -= piece.size();
        if (opcode_ & 8)
            control_ += piece;
        else
            out.data += piece;
        if (left_ > 0) return {};
        in_payload_ = false;
        if (opcode_ == ping) out.pongs += websocket_frame(pong, control_);
        if (opcode_ == close) out.closed = true;
    }
    return {};
}

Result<void> WebSocket::send(std::string_view payload) {
    std::string frame = websocket_frame(static_cast<uint8_t>(data_), payload);
    std::lock_guard lock(sending_);
    std::array<std::string_view, 1> parts{frame};
    return sys::send_all(socket_, parts);
}

Result<UniqueFd> WebSocket::open_raw() {
    auto [mine, theirs] = TRY(sys::socket_pair(sys::SocketType::stream));
    raw_ = std::move(mine);
    return std::move(theirs);
}

void WebSocket::copy_output(RawOutput output) {
    std::string buffer(size_t{32} << 10, '\0');
    Unframer unframer;
    for (;;) {
        auto got = sys::receive(raw_, buffer);
        if (!got.ok() || *got == 0) break;
        std::string_view bytes = std::string_view(buffer).substr(0, *got);
        while (!bytes.empty()) {
            std::string_view piece = bytes;
            if (output == RawOutput::framed)
                piece = unframer.next(bytes);
            else
                bytes = {};
            if (!piece.empty() && !send(piece).ok()) {
                sys::shut_down(raw_);
                return;
            }
        }
    }
    // 1000: normal closure.
    std::string goodbye = websocket_frame(close, std::string_view("\x03\xe8", 2));
    std::lock_guard lock(sending_);
    std::array<std::string_view, 1> parts{goodbye};
    (void)sys::send_all(socket_, parts).ok(); // it may have left first
    sys::shut_down(socket_);
}

void WebSocket::copy_input() {
    WebSocketParser parser;
    std::string buffer = std::move(already_read_);
    for (;;) {
        WebSocketParser::Output out;
        if (!parser.feed(buffer, out).ok()) out.closed = true;
        std::array<std::string_view, 1> data{out.data}, pongs{out.pongs};
        if (!out.data.empty() && !sys::send_all(raw_, data).ok()) break;
        if (!out.pongs.empty()) {
            std::lock_guard lock(sending_);
            if (!sys::send_all(socket_, pongs).ok()) break;
        }
        if (out.closed) break;
        buffer.resize(size_t{32} << 10);
        auto got = sys::receive(socket_, buffer);
        if (!got.ok() || *got == 0) break;
        buffer.resize(*got);
    }
    // The client is gone, or its stream has ended.
    sys::shut_down(raw_);
}

void WebSocket::relay(RawOutput output) {
    std::thread out([&] { copy_output(output); });
    copy_input();
    out.join();
}

} // namespace hull::http
