// What LogConfig says, checked: the container's own file, and where its lines
// go besides.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "logs/target.h"
#include "model/container_record.h"

namespace hull::engine {

struct LogSettings {
    bool enabled = true;            // false: driver none, nothing is written
    bool readable = true;           // false: cache-disabled=true
    uint64_t max_bytes = 10U << 20; // of one file; 0: unlimited
    unsigned max_files = 5;
    bool compress = false; // what was rotated
    std::map<std::string, std::string> attributes;
    // syslog, journald, fluentd: driver isn't empty. Their lines are in the file
    // too: it is what `logs` reads, and the queue.
    logs::TargetSpec target;
};

// Errors: invalid_argument in Docker's words.
Result<LogSettings> log_settings(const model::ContainerSettings& settings);
// Names of the drivers, as info shows them.
std::vector<std::string> log_drivers();

// "10m", "1.5GB", "512": bytes.
Result<uint64_t> parse_size(const std::string& text);

} // namespace hull::engine
