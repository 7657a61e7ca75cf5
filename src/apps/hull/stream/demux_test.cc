#include "apps/hull/stream/demux.h"

#include <vector>

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

std::string frame(char stream, std::string_view text) {
    std::string out{stream, 0, 0, 0};
    for (int shift : {24, 16, 8, 0}) out += static_cast<char>(text.size() >> shift & 0xFF);
    return out.append(text);
}

struct Taken {
    std::string out, err, order;
    size_t calls = 0;
    Demultiplexer demux{[this](Output to, std::string_view text) -> Result<void> {
        (to == Output::out ? out : err) += text;
        order += to == Output::out ? 'o' : 'e';
        ++calls;
        return {};
    }};
};

TEST(Demultiplexer, SeparatesStreamsInAnyPieces) {
    std::string bytes = frame(1, "hello ") + frame(2, "oops\n") + frame(1, "world\n") + frame(1, "");
    for (size_t piece : {size_t{1}, size_t{3}, size_t{9}, bytes.size()}) {
        Taken taken;
        for (size_t i = 0; i < bytes.size(); i += piece) ASSERT_TRUE(taken.demux.feed(bytes.substr(i, piece)).ok());
        EXPECT_EQ(taken.out, "hello world\n") << piece;
        EXPECT_EQ(taken.err, "oops\n") << piece;
    }
}

TEST(Demultiplexer, JoinsShortFramesOfOneStream) {
    Taken taken;
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += frame(1, "line\n");
    ASSERT_TRUE(taken.demux.feed(bytes).ok());
    EXPECT_EQ(taken.out.size(), 5000u);
    EXPECT_EQ(taken.calls, 1u);
}

TEST(Demultiplexer, KeepsTheOrderOfStreams) {
    Taken taken;
    ASSERT_TRUE(taken.demux.feed(frame(1, "a") + frame(2, "b") + frame(1, "c")).ok());
    EXPECT_EQ(taken.order, "oeo");
}

TEST(Demultiplexer, HandsLargeFramesOnWhole) {
    Taken taken;
    std::string big(300'000, 'x');
    ASSERT_TRUE(taken.demux.feed(frame(1, big)).ok());
    EXPECT_EQ(taken.out, big);
    EXPECT_EQ(taken.calls, 1u);
}

TEST(Demultiplexer, RefusesUnknownStreamsAndTellsTheEnginesErrors) {
    Taken taken;
    EXPECT_EQ(taken.demux.feed(frame(9, "x")).error().kind(), ErrorKind::corrupt);
    Taken other;
    EXPECT_EQ(other.demux.feed(frame(3, "gone")).error().message(), "error from daemon in stream: gone");
}

} // namespace
} // namespace hull::cli
