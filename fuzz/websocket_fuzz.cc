// links: hull_http
// Frames of a WebSocket client: the same whatever pieces they come in.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/websocket.h"

namespace {

struct Read {
    hull::http::WebSocketParser::Output out;
    bool ok = true;
};

Read read(std::string_view bytes, size_t step) {
    hull::http::WebSocketParser parser;
    Read read;
    while (!bytes.empty() && read.ok && !read.out.closed) {
        read.ok = parser.feed(bytes.substr(0, step), read.out).ok();
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    return read;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Read whole = read(bytes, size + 1), bytewise = read(bytes, 1);
    if (whole.ok != bytewise.ok || whole.out.data != bytewise.out.data || whole.out.pongs != bytewise.out.pongs)
        std::abort();
    return 0;
}
