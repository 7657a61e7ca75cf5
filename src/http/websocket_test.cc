#include "http/websocket.h"

#include <array>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::http {
namespace {

std::string client_frame(uint8_t opcode, std::string payload, bool last = true) {
    std::string frame(1, static_cast<char>((last ? 0x80 : 0) | opcode));
    if (payload.size() < 126) {
        frame.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
        frame.push_back(static_cast<char>(0x80 | 126));
        frame.push_back(static_cast<char>(payload.size() >> 8));
        frame.push_back(static_cast<char>(payload.size()));
    }
    const char mask[4] = {1, 2, 3, 4};
    frame.append(mask, 4);
    for (size_t i = 0; i < payload.size(); ++i) frame.push_back(static_cast<char>(payload[i] ^ mask[i & 3]));
    return frame;
}

// RFC 6455, section 5.7.
TEST(WebSocketParser, ReadsTheExampleOfTheStandard) {
    WebSocketParser parser;
    WebSocketParser::Output out;
    ASSERT_TRUE(parser.feed(std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11), out).ok());
    EXPECT_EQ(out.data, "Hello");
    EXPECT_EQ(websocket_frame(1, "Hello"), std::string("\x81\x05Hello", 7));
    EXPECT_EQ(websocket_frame(2, std::string(256, 'x')).substr(0, 4), std::string("\x82\x7e\x01\x00", 4));
    EXPECT_EQ(websocket_frame(2, std::string(65536, 'x')).substr(0, 10),
              std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(WebSocketParser, TheSameHoweverTheBytesCome) {
    std::string big(1000, 'b');
    std::string bytes = client_frame(1, "one", false) + client_frame(9, "are you there") + client_frame(0, "two") +
                        client_frame(2, big) + client_frame(8, "\x03\xe8") + client_frame(1, "late");
    for (size_t step : {size_t{1}, size_t{3}, size_t{100}, bytes.size()}) {
        WebSocketParser parser;
        WebSocketParser::Output out;
        for (size_t at = 0; at < bytes.size() && !out.closed; at += step)
            ASSERT_TRUE(parser.feed(std::string_view(bytes).substr(at, step), out).ok());
        EXPECT_EQ(out.data, "onetwo" + big);
        EXPECT_EQ(out.pongs, websocket_frame(10, "are you there"));
        EXPECT_TRUE(out.closed);
    }
}

TEST(WebSocketParser, RefusesWhatIsNoClientsFrame) {
    for (std::string bytes : {std::string("\x81\x05Hello", 7), std::string("\xc1\x80\1\2\3\4", 6),
                              std::string("\x83\x80\1\2\3\4", 6), std::string("\x89\xfe\x01\x00\1\2\3\4", 8)}) {
        WebSocketParser parser;
        WebSocketParser::Output out;
        EXPECT_EQ(parser.feed(bytes, out).error().kind(), ErrorKind::invalid_argument);
    }
}

TEST(WebSocket, RelaysBothWaysAndLeavesFrameHeadsOut) {
    auto [client, server] = MUST(sys::socket_pair(sys::SocketType::stream));
    WebSocket socket(std::move(server), client_frame(1, "early "), WebSocketData::binary);
    UniqueFd raw = MUST(socket.open_raw());
    std::thread relay([&] { socket.relay(RawOutput::framed); });
    auto send = [](const UniqueFd& fd, std::string text) {
        std::array<std::string_view, 1> parts{text};
        MUST(sys::send_all(fd, parts));
    };
    auto read = [](const UniqueFd& fd, size_t n) {
        std::string text;
        while (text.size() < n) {
            std::array<char, 100> buffer{};
            size_t got = MUST(sys::receive(fd, std::span(buffer).first(std::min(buffer.size(), n - text.size()))));
            if (got == 0) break;
            text.append(buffer.data(), got);
        }
        return text;
    };
    send(client, client_frame(2, "in"));
    EXPECT_EQ(read(raw, 8), "early in");
    send(raw, std::string("\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\3err", 22));
    EXPECT_EQ(read(client, 10), "\x82\x03out\x82\x03"
                                "err");
    raw.reset();
    EXPECT_EQ(read(client, 100), std::string("\x88\x02\x03\xe8", 4));
    relay.join();
}

} // namespace
} // namespace hull::http
