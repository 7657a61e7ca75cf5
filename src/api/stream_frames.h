// Stream format of the Engine API: without a terminal, each piece of output
// comes behind eight bytes: stream (1 stdout, 2 stderr), three zeros, length
// (big-endian).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hull::api {

enum class StreamId : unsigned char { stdout_ = 1, stderr_ = 2 };

inline void append_frame_head(std::string& out, StreamId stream, size_t length) {
    auto n = static_cast<uint32_t>(length);
    const char head[8] = {static_cast<char>(stream),
                          0,
                          0,
                          0,
                          static_cast<char>(n >> 24),
                          static_cast<char>(n >> 16),
                          static_cast<char>(n >> 8),
                          static_cast<char>(n)};
    out.append(head, sizeof head);
}

inline void append_frame(std::string& out, StreamId stream, std::string_view data) {
    append_frame_head(out, stream, data.size());
    out.append(data);
}

// Content-Type of a raw stream, by version and form.
inline const char* stream_content_type(bool framed, bool knows_multiplexed) {
    return framed && knows_multiplexed ? "application/vnd.docker.multiplexed-stream"
                                       : "application/vnd.docker.raw-stream";
}

} // namespace hull::api
