// One line of a json-file log, {"log":"...","stream":"...","attrs":{...},
// "time":"..."}, read without a general JSON reader: logs are long.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace hull::engine {

struct JsonLine {
    std::string text;
    bool is_stderr = false;
    WallTime time;
    std::string attributes; // "k=v,k=v"
};

// False: not such a line (a crash cut it off). out is then unspecified; its
// buffers are reused from call to call.
bool parse_json_line(std::string_view line, JsonLine& out);

} // namespace hull::engine
