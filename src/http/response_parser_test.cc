#include "http/response_parser.h"

#include <gtest/gtest.h>

namespace hull::http {
namespace {

ResponseHead head(std::string_view text) {
    auto parsed = parse_response_head(text);
    EXPECT_TRUE(parsed.ok());
    return parsed.ok() ? *parsed : ResponseHead{};
}

// Feeds the body in pieces of that size and returns what came out.
std::string body(const ResponseHead& h, std::string_view bytes, size_t piece, bool* done = nullptr) {
    auto decoder = BodyDecoder::for_response(h, false);
    EXPECT_TRUE(decoder.ok());
    std::string out, waiting;
    while (!bytes.empty() || !waiting.empty()) {
        waiting += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            auto step = decoder->step(waiting);
            if (!step.ok()) return "error: " + step.error().message();
            out += step->payload;
            size_t used = step->consumed;
            waiting.erase(0, used);
            if (used == 0 || waiting.empty()) break;
        }
        if (decoder->done() || (bytes.empty() && !waiting.empty())) break;
    }
    if (done) *done = decoder->done();
    return out;
}

TEST(ResponseParser, ReadsStatusAndHeaders) {
    auto h = head("HTTP/1.1 404 Not Found\r\nApi-Version: 1.55\r\nX:  spaced \t\r\n\r\n");
    EXPECT_EQ(h.status, 404);
    EXPECT_EQ(h.reason, "Not Found");
    EXPECT_EQ(h.headers.get("api-version"), "1.55");
    EXPECT_EQ(h.headers.get("X"), "spaced");
}

TEST(ResponseParser, FindsTheEndOfTheHead) {
    EXPECT_EQ(find_head_end("HTTP/1.1 200 OK\r\nA: b\r\n"), 0u);
    EXPECT_EQ(find_head_end("HTTP/1.1 200 OK\r\n\r\nbody"), 19u);
    EXPECT_EQ(find_head_end("HTTP/1.1 200 OK\n\nbody"), 17u);
}

TEST(ResponseParser, RefusesWhatIsNoHttp) {
    for (const char* text :
         {"", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
          "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", "HTTP/1.1 099 no\r\n\r\n"})
        EXPECT_FALSE(parse_response_head(text).ok()) << text;
}

TEST(ResponseParser, BodyOfKnownLength) {
    auto h = head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    bool done = false;
    EXPECT_EQ(body(h, "hello, and more", 3, &done), "hello");
    EXPECT_TRUE(done);
}

TEST(ResponseParser, ChunkedBodyInAnyPieces) {
    auto h = head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t piece : {1, 2, 3, 7, 100}) {
        bool done = false;
        EXPECT_EQ(body(h, "5\r\nhello\r\nA;x=y\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\n", piece, &done),
                  "hello, chunked!");
        EXPECT_TRUE(done);
    }
}

TEST(ResponseParser, BrokenChunksAreErrors) {
    auto h = head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_TRUE(body(h, "xyz\r\n", 10).starts_with("error: "));
    EXPECT_TRUE(body(h, "2\r\nabc\r\n", 10).starts_with("error: "));
    EXPECT_TRUE(body(h, std::string(5000, '1'), 10).starts_with("error: "));
    EXPECT_TRUE(body(h, "FFFFFFFFFFFFFFFFF\r\n", 32).starts_with("error: "));
}

TEST(ResponseParser, BodyUntilClose) {
    auto h = head("HTTP/1.1 200 OK\r\n\r\n");
    auto decoder = BodyDecoder::for_response(h, false);
    EXPECT_TRUE(decoder->until_close());
    EXPECT_EQ(decoder->step("abc")->payload, "abc");
    EXPECT_TRUE(decoder->end_of_input().ok());
    EXPECT_TRUE(decoder->done());
}

TEST(ResponseParser, ShortBodyIsAnError) {
    auto decoder = BodyDecoder::for_response(head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), false);
    (void)decoder->step("abc").ok();
    EXPECT_FALSE(decoder->end_of_input().ok());
}

TEST(ResponseParser, NoBodyAfterHeadRequestsAndBareStatuses) {
    EXPECT_TRUE(BodyDecoder::for_response(head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), true)->done());
    for (const char* text :
         {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 101 UPGRADED\r\n\r\n"})
        EXPECT_TRUE(BodyDecoder::for_response(head(text), false)->done()) << text;
}

} // namespace
} // namespace hull::http
