// links: hull_http
// HTTP requests as the server reads them: header, then body, from bytes that
// arrive in pieces. Where they are cut must not change what is read.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/request_parser.h"
#include "http/uri.h"

using namespace hull;

namespace {

constexpr size_t max_header = size_t{64} << 10;

struct Outcome {
    bool failed = false, complete = false;
    std::string target, headers, body, rest;
    bool operator==(const Outcome&) const = default;
};

// Reads one request from pieces of at most step bytes.
Outcome read(std::string_view data, size_t step) {
    http::RequestParser parser(max_header);
    Outcome out;
    std::string input;
    size_t at = 0;
    auto more = [&] {
        size_t n = std::min(step, data.size() - at);
        input.append(data.substr(at, n));
        at += n;
        return n > 0;
    };
    while (!parser.header_done()) {
        if (!more()) return out;
        auto used = parser.feed_header(input);
        if (!used.ok()) return out.failed = true, out;
        if (*used > input.size()) __builtin_trap();
        input.erase(0, *used);
    }
    http::Request request = parser.take_request();
    out.target = request.target;
    for (const http::Header& line : request.headers) out.headers += line.name + ":" + line.value + "\n";
    if (out.headers.size() > 2 * max_header) __builtin_trap();
    static_cast<void>(http::parse_target(request.target).ok());
    std::array<char, 64> body{};
    while (!parser.body_done()) {
        auto decoded = parser.decode(input, body);
        if (!decoded.ok()) return out.failed = true, out;
        if (decoded->consumed > input.size() || decoded->produced > body.size()) __builtin_trap();
        input.erase(0, decoded->consumed);
        out.body.append(body.data(), decoded->produced);
        if (decoded->consumed == 0 && decoded->produced == 0 && !more()) return out;
    }
    out.complete = true;
    out.rest = input + std::string(data.substr(at));
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    std::string_view data(reinterpret_cast<const char*>(bytes), size);
    Outcome whole = read(data, size ? size : 1);
    Outcome cut = read(data, size ? 1 + bytes[0] % 7 : 1);
    // A request that never gets complete may be refused earlier or later; one
    // that does is read in one way only.
    if (whole.complete != cut.complete || (whole.complete && whole != cut)) __builtin_trap();
    return 0;
}
