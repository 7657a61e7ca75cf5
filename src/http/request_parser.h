// Turns the bytes of one request into a Request and its body. Wraps the parser
// of Boost.Beast; nothing here reads or blocks.
//
//   feed_header() until header_done() -> take_request() -> decode() until body_done()
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace hull::http {

class RequestParser {
public:
    // max_header_bytes: request line and headers together.
    explicit RequestParser(size_t max_header_bytes);
    RequestParser(RequestParser&&) noexcept;
    RequestParser& operator=(RequestParser&&) noexcept;
    ~RequestParser();

    // data holds every byte since the request began that no earlier call
    // consumed. Returns how many bytes it has taken. Errors: too_large (431),
    // unsupported (505: not HTTP/1.x), invalid_argument (400).
    Result<size_t> feed_header(std::string_view data);
    bool header_done() const;

    // Once, after header_done().
    Request take_request();
    // A body follows, of any length.
    bool has_body() const;

    struct Decoded {
        size_t consumed = 0; // bytes of data
        size_t produced = 0; // bytes of body in into
    };
    // Undoes the chunking. Neither consumed nor produced: more data is needed.
    Result<Decoded> decode(std::string_view data, std::span<char> into);
    bool body_done() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace hull::http
