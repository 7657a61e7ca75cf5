// Log lines as clients get them: framed or raw, with times and details when
// asked for, gathered into large writes.
#pragma once

#include <functional>
#include <string>

#include "engine/logs.h"

namespace hull::api {

struct LogFormat {
    bool framed = true;
    bool timestamps = false;
    bool details = false;
};

class LogWriter : public engine::LogConsumer {
public:
    // send returns false when the client is gone.
    LogWriter(LogFormat format, std::function<bool(std::string_view)> send) : format_(format), send_(std::move(send)) {}

    bool line(const engine::LogLine& line) override;
    bool flush() override;

private:
    LogFormat format_;
    std::function<bool(std::string_view)> send_;
    std::string buffer_;
};

// "2026-11-22T02:26:24.100000000Z": all nine digits, so that lines align.
std::string log_time(WallTime time);

} // namespace hull::api
