// A collector of log lines.
//
// Lifecycle: make_target() checks the options, without I/O -> connect() (also
// done by send() when it is needed) -> send()* . After an error of send() the
// line wasn't taken; the next call connects anew. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace hull::logs {

struct Line {
    bool is_stderr = false;
    bool partial = false;  // a part of a long line; the rest follows
    WallTime time;         // when it was read from the container
    std::string_view text; // without its line end
};

using Options = std::map<std::string, std::string>; // "syslog-address" -> ...

struct TargetSpec {
    std::string driver; // syslog journald fluentd
    Options options;    // of the driver alone
    std::string tag;
    std::string container_id, container_name, image_name;
    std::map<std::string, std::string> attributes; // of labels= and env=
};

class Target {
public:
    virtual ~Target() = default;
    // Errors: those of connecting.
    virtual Result<void> connect() = 0;
    virtual Result<void> send(const Line& line) = 0;
    // What was sent is with the other side. Where nothing tells of that: at once.
    virtual Result<void> flush() { return {}; }

    bool starts_unconnected = false; // a start doesn't fail because the collector is away
    int64_t retry_wait_ms = 100;     // after the first failure; doubles
    int64_t max_retries = -1;        // of one line, then it is dropped; -1: without end
};

// Errors: invalid_argument in Docker's words, unsupported.
Result<std::unique_ptr<Target>> make_target(const TargetSpec& spec);
// Whether the driver takes an option of that name, besides tag, labels, env and theirs.
bool knows_option(std::string_view driver, std::string_view option);

} // namespace hull::logs
