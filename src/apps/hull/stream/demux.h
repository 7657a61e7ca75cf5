// Docker's multiplexed stream: frames of an 8-byte head (stream, 0, 0, 0, size
// big-endian) and that many bytes. Source: Engine API, ContainerAttach.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::cli {

enum class Output : unsigned char { out, err };

// Takes the bytes as they come, in any pieces, and hands the payloads on in as
// few and as large pieces as their order allows.
class Demultiplexer {
public:
    // The text is only valid during the call.
    using Sink = std::function<Result<void>(Output stream, std::string_view text)>;
    explicit Demultiplexer(Sink sink);

    // Everything complete in data has reached the sink when it returns. Errors:
    // the sink's; corrupt when a frame names an unknown stream; what the engine
    // said, when it used the stream for errors (3).
    Result<void> feed(std::string_view data);

private:
    Result<void> begin_frame(const unsigned char* head);
    Result<void> payload(std::string_view text);
    Result<void> flush();

    Sink sink_;
    std::string held_; // payloads that wait to go out together, all of pending_
    std::string head_; // the part of a head that has come
    std::string engine_error_;
    uint32_t left_ = 0; // of the frame
    Output current_ = Output::out, pending_ = Output::out;
    bool system_error_ = false;
};

} // namespace hull::cli
