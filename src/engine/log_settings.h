// What LogConfig says, checked: drivers json-file and none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "model/container.h"

namespace hull::engine {

struct LogSettings {
    bool enabled = true;
    uint64_t max_bytes = 10U << 20; // of one file; 0: unlimited
    unsigned max_files = 5;
    std::map<std::string, std::string> attributes;
};

// Errors: invalid_argument in Docker's words; unsupported for options that are
// Docker's but not here.
Result<LogSettings> log_settings(const model::LogConfig& log, const model::ContainerConfig& config);

// "10m", "1.5GB", "512": bytes.
Result<uint64_t> parse_size(const std::string& text);

} // namespace hull::engine
