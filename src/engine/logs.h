// Reading a container's json-file logs: the file that is being written and the
// rotated ones beside it (<path>.1 is newer than <path>.2; .gz is not made).
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace hull::engine {

struct LogOptions {
    bool stdout_ = false, stderr_ = false; // neither: invalid_argument
    bool follow = false;
    std::optional<WallTime> since = {}, until = {};
    std::optional<int64_t> tail = {}; // last lines of those that remain; nullopt: all
    // timestamps and details are the sink's: each line carries what they need.
};

struct LogLine {
    bool is_stderr = false;
    WallTime time;
    std::string_view text;       // with its own line end, if it has one; valid during the call
    std::string_view attributes; // "k=v,k=v", Docker's details; usually empty
};

class LogConsumer {
public:
    virtual ~LogConsumer() = default;
    // false: the client is gone, stop.
    virtual bool line(const LogLine& line) = 0;
    // Nothing more for now: send what was gathered. false: stop.
    virtual bool flush() = 0;
};

// Made by Containers::logs() once the request is known to be good, so that the
// caller can send its headers before run().
class LogStream {
public:
    virtual ~LogStream() = default;
    // Follows until the container's end when asked to. Errors: corrupt, system.
    virtual Result<void> run(LogConsumer& consumer, std::stop_token stop) = 0;
    bool tty = false; // lines are sent raw, without frames
};

} // namespace hull::engine
