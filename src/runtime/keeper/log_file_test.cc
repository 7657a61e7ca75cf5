#include "runtime/keeper/log_file.h"

#include <gtest/gtest.h>

#include "runtime/keeper/test_folder.h"
#include "sys/file.h"
#include "sys/tree.h"

namespace hull::keeper {
namespace {

constexpr WallTime sometime{1'700'000'000'120'000'000}; // 2023-11-14T22:13:20.12Z

class LogFileTest : public testing::Test {
protected:
    LogSpec spec(uint64_t max_bytes = 0, uint32_t max_files = 5) {
        return {true, folder.path("x.log"), max_bytes, max_files, {}};
    }
    LogFile open(const LogSpec& s) { return MUST(LogFile::open(s, buffer)); }
    std::string content(const std::string& name = "x.log") { return *sys::read_file(folder.path(name)); }
    static std::string line(std::string_view text, std::string_view stream = "stdout") {
        return "{\"log\":\"" + std::string(text) + "\",\"stream\":\"" + std::string(stream) +
               "\",\"time\":\"2023-11-14T22:13:20.12Z\"}\n";
    }
    TestFolder folder;
    LineBuffer buffer;
};

TEST_F(LogFileTest, WritesALineInDockersForm) {
    auto log = open(spec());
    log.write(OutputStream::out, "hello \"you\"\n", sometime);
    log.write(OutputStream::err, "oh\r\n", sometime);
    EXPECT_EQ(content(), line("hello \\\"you\\\"\\n") + line("oh\\r\\n", "stderr"));
}

TEST_F(LogFileTest, AttributesStandBeforeTheTime) {
    auto s = spec();
    s.attributes = {{"env", "a<b"}, {"tag", "t"}};
    auto log = open(s);
    log.write(OutputStream::out, "x\n", sometime);
    EXPECT_EQ(content(), "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"attrs\":{\"env\":\"a\\u003cb\",\"tag\":\"t\"},"
                         "\"time\":\"2023-11-14T22:13:20.12Z\"}\n");
}

TEST_F(LogFileTest, AnUnfinishedLineWaitsForItsEnd) {
    auto log = open(spec());
    log.write(OutputStream::out, "one\ntw", sometime);
    log.write(OutputStream::err, "E", sometime);
    EXPECT_EQ(content(), line("one\\n"));
    log.write(OutputStream::out, "o\nthree", sometime);
    EXPECT_EQ(content(), line("one\\n") + line("two\\n"));
    log.finish(sometime);
    EXPECT_EQ(content(), line("one\\n") + line("two\\n") + line("three") + line("E", "stderr"));
}

TEST_F(LogFileTest, LongLinesAreSplitAt16KiB) {
    auto log = open(spec());
    std::string part(LogFile::max_line, 'x');
    log.write(OutputStream::out, part + part + "yz\n", sometime);
    EXPECT_EQ(content(), line(part) + line(part) + line("yz\\n"));
}

TEST_F(LogFileTest, TheSplitDoesNotDependOnHowTheBytesCome) {
    std::string text = std::string(LogFile::max_line - 1, 'a') + "\n" + std::string(LogFile::max_line, 'b') + "\n" +
                       std::string(40'000, 'c') + "\nend";
    {
        auto whole = open(spec());
        whole.write(OutputStream::out, text, sometime);
        whole.finish(sometime);
    }
    std::string expected = content();
    for (size_t step : {1, 7, 4096, 16383, 16384, 16385}) {
        ASSERT_TRUE(sys::unlink(folder.path("x.log")).ok());
        auto log = open(spec());
        for (size_t at = 0; at < text.size(); at += step)
            log.write(OutputStream::out, std::string_view(text).substr(at, step), sometime);
        log.finish(sometime);
        EXPECT_EQ(content(), expected) << step;
    }
}

TEST_F(LogFileTest, RotatesBySizeAndKeepsTheNewest) {
    auto log = open(spec(200, 3));
    for (int i = 0; i < 20; ++i) log.write(OutputStream::out, "line " + std::to_string(i) + "\n", sometime);
    // 75 or 76 bytes each: a file is full when a line would begin at 200 or more.
    EXPECT_EQ(content(), line("line 18\\n") + line("line 19\\n"));
    EXPECT_EQ(content("x.log.1"), line("line 15\\n") + line("line 16\\n") + line("line 17\\n"));
    EXPECT_EQ(content("x.log.2"), line("line 12\\n") + line("line 13\\n") + line("line 14\\n"));
    EXPECT_FALSE(sys::exists(folder.path("x.log.3")));
}

TEST_F(LogFileTest, OneBatchRotatesAsManySmallOnesDo) {
    std::string all;
    for (int i = 0; i < 20; ++i) all += "line " + std::to_string(i) + "\n";
    auto log = open(spec(200, 3));
    log.write(OutputStream::out, all, sometime);
    EXPECT_EQ(content(), line("line 18\\n") + line("line 19\\n"));
    EXPECT_EQ(content("x.log.1"), line("line 15\\n") + line("line 16\\n") + line("line 17\\n"));
}

TEST_F(LogFileTest, WithOneFileItBeginsAnew) {
    auto log = open(spec(100, 1));
    for (int i = 0; i < 5; ++i) log.write(OutputStream::out, "l" + std::to_string(i) + "\n", sometime);
    EXPECT_EQ(content(), line("l4\\n"));
    EXPECT_FALSE(sys::exists(folder.path("x.log.1")));
}

TEST_F(LogFileTest, GoesOnAfterAReopenAndCutsABrokenLine) {
    { open(spec()).write(OutputStream::out, "whole\n", sometime); }
    std::string whole = content();
    ASSERT_TRUE(sys::replace_file(folder.path("x.log"), whole + "{\"log\":\"bro", 0640).ok());
    auto log = open(spec());
    log.write(OutputStream::out, "next\n", sometime);
    EXPECT_EQ(content(), line("whole\\n") + line("next\\n"));
}

TEST_F(LogFileTest, BinaryOutputOfEverySizeKeepsTheFormat) {
    auto log = open(spec());
    std::string binary;
    for (unsigned i = 0; i < 300'000; ++i) binary += static_cast<char>(i * 7919 >> 3);
    log.write(OutputStream::out, binary, sometime);
    log.finish(sometime);
    std::string all = content();
    size_t lines = 0;
    for (size_t at = 0; at < all.size(); ++lines) {
        size_t end = all.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        ASSERT_TRUE(std::string_view(all).substr(at, 8) == "{\"log\":\"" && all[end - 1] == '}');
        at = end + 1;
    }
    EXPECT_GT(lines, 1000u);
}

TEST_F(LogFileTest, AMissingFolderIsAnErrorThatNamesTheFile) {
    auto s = spec();
    s.path = folder.path("none/x.log");
    auto log = LogFile::open(s, buffer);
    ASSERT_FALSE(log.ok());
    EXPECT_NE(log.error().message().find(s.path), std::string::npos);
}

TEST_F(LogFileTest, CompressedFilesMoveOnToo) {
    auto log = open(spec(10, 3));
    ASSERT_TRUE(sys::replace_file(folder.path("x.log.lock"), "", 0600).ok());
    ASSERT_TRUE(sys::replace_file(folder.path("x.log.1.gz"), "one", 0600).ok());
    ASSERT_TRUE(sys::replace_file(folder.path("x.log.2.gz"), "two", 0600).ok());
    log.write(OutputStream::out, "a\nb\n", sometime);
    EXPECT_EQ(content("x.log.1"), line("a\\n"));
    EXPECT_EQ(content("x.log.2.gz"), "one");
    EXPECT_FALSE(sys::exists(folder.path("x.log.1.gz")));
}

TEST_F(LogFileTest, AFileStaysWhileOlderOnesAreCompressed) {
    auto log = open(spec(10, 3));
    {
        auto lock = MUST(sys::lock_file(folder.path("x.log.lock")));
        log.write(OutputStream::out, "a\nb\n", sometime);
        EXPECT_EQ(content(), line("a\\n") + line("b\\n"));
    }
    log.write(OutputStream::out, std::string(1100 << 10, 'x') + "\nc\n", sometime);
    EXPECT_TRUE(sys::exists(folder.path("x.log.1")));
}

} // namespace
} // namespace hull::keeper
