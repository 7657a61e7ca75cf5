// WebSocket (RFC 6455), the server's side of one connection: what the client
// sends becomes a byte stream, and a byte stream goes to it as messages.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::http {

// What a client sends, frame by frame. Pure.
class WebSocketParser {
public:
    struct Output {
        std::string data;    // payload of text and binary frames, in a row
        std::string pongs;   // frames to send back
        bool closed = false; // the client said goodbye
    };
    // Takes bytes as they come, adds to out. Errors: invalid_argument when they
    // aren't a client's frames (not masked, reserved bits, long control frames).
    Result<void> feed(std::string_view bytes, Output& out);

private:
    Result<void> begin_frame();

    std::string head_;  // of the frame that has begun
    uint64_t left_ = 0; // of its payload
    bool in_payload_ = false;
    uint8_t opcode_ = 0;
    char mask_[4] = {};
    uint64_t masked_ = 0; // bytes of the payload so far
    std::string control_; // payload of a control frame
};

enum class WebSocketData : unsigned char { text = 1, binary = 2 };
// One whole frame, as a server sends it.
std::string websocket_frame(uint8_t opcode, std::string_view payload);

// How a raw stream has its output: as it is, or in the Engine API's frames,
// whose heads are left out.
enum class RawOutput : unsigned char { plain, framed };

class WebSocket {
public:
    // socket: after the handshake was answered.
    WebSocket(UniqueFd socket, std::string already_read, WebSocketData data)
        : socket_(std::move(socket)), already_read_(std::move(already_read)), data_(data) {}

    Result<void> send(std::string_view payload); // cancelled: the client left

    // A pair of ends: give the one away that it returns, and call relay().
    Result<UniqueFd> open_raw();
    // Copies both ways until the other end of the pair closes or the client
    // leaves; blocks, with a thread of its own for one direction.
    void relay(RawOutput output);

private:
    void copy_output(RawOutput output);
    void copy_input();

    UniqueFd socket_, raw_;
    std::string already_read_;
    WebSocketData data_;
    std::mutex sending_;
};

} // namespace hull::http
