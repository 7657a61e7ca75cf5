// Turns the bytes of a response into its head and its body. Pure: nothing here
// reads or blocks. Written by hand because the command line starts in less time
// than Boost.Beast's tables take to load; bounded and unit-tested.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace hull::http {

struct ResponseHead {
    int status = 0;
    std::string reason;
    Headers headers;
    bool http_1_0 = false;
};

// The largest head accepted, status line and headers together.
constexpr size_t max_response_head = size_t{64} << 10;

// The size of the head including its empty line, 0 when it is not complete yet.
size_t find_head_end(std::string_view data);
// head ends with the empty line. Errors: invalid_argument.
Result<ResponseHead> parse_response_head(std::string_view head);

// How much of a body comes, and where it ends.
class BodyDecoder {
public:
    BodyDecoder() = default; // no body
    // Follows RFC 9112, section 6.3. head_request: the answer to HEAD has none.
    static Result<BodyDecoder> for_response(const ResponseHead& head, bool head_request);

    struct Step {
        size_t consumed = 0;      // bytes of data used up
        std::string_view payload; // part of data that belongs to the body
    };
    // Takes the next bytes; call again with what is left until nothing is
    // consumed. Errors: invalid_argument for broken chunks.
    Result<Step> step(std::string_view data);
    // The peer closed. Error: invalid_argument when the body was cut short.
    Result<void> end_of_input();

    bool done() const { return state_ == State::done; }
    // The connection can't carry another response: the body ends with it.
    bool until_close() const { return until_close_; }

private:
    enum class State : unsigned char { done, fixed, close, chunk_size, chunk_data, chunk_end, trailer };
    Result<Step> line_step(std::string_view data);

    State state_ = State::done;
    bool until_close_ = false;
    uint64_t left_ = 0;
    std::string line_; // a chunk-size or trailer line that is not complete yet
    size_t trailer_bytes_ = 0;
};

} // namespace hull::http
