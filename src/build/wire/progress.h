// How a build goes, for who watches: steps (vertexes), what they say, how far
// they are. Source: BuildKit's control.proto, StatusResponse.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace hull::build::wire {

struct Vertex { // a step; said again whenever something changed
    std::string digest = {};
    std::vector<std::string> inputs = {}; // digests
    std::string name = {};
    bool cached = false;
    std::optional<WallTime> started = {}, completed = {};
    std::string error = {};
};

struct VertexStatus { // of a part of a step's work
    std::string id = {}, vertex = {}, name = {};
    int64_t current = 0, total = 0; // bytes; total 0: not known
    WallTime timestamp = {};
    std::optional<WallTime> started = {}, completed = {};
};

struct VertexLog {
    std::string vertex;
    WallTime timestamp;
    int stream = 1; // 1 standard output, 2 standard error
    std::string text;
};

struct VertexWarning {
    std::string vertex;
    int64_t level = 1;
    std::string brief;
    std::vector<std::string> details;
    std::string url;
    std::string file_name, file; // what the lines are of
    int first_line = 0, last_line = 0;
};

struct Progress {
    std::vector<Vertex> vertexes;
    std::vector<VertexStatus> statuses;
    std::vector<VertexLog> logs;
    std::vector<VertexWarning> warnings;
};

std::string print(const Progress& progress);
// Errors: invalid_argument.
Result<Progress> parse_progress(std::string_view message);

} // namespace hull::build::wire
