#include "codec/compress/compress.h"

#include <memory>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull {
namespace {

using ::testing::HasSubstr;

std::string some_text(size_t bytes) {
    std::mt19937 random(7);
    std::string text;
    while (text.size() < bytes) text += "line " + std::to_string(random() % 1000) + "\n";
    text.resize(bytes);
    return text;
}

// One byte at a time: the worst that a socket does.
class Dripping : public ByteSource {
public:
    explicit Dripping(std::string_view text) : rest_(text) {}
    Result<size_t> read(std::span<char> into) override {
        if (rest_.empty()) return size_t{0};
        into[0] = rest_[0];
        rest_.remove_prefix(1);
        return size_t{1};
    }

private:
    std::string_view rest_;
};

Result<std::string> all_of(ByteSource& source) {
    std::string out, buffer(1000, '\0');
    for (;;) {
        size_t n = TRY(source.read(buffer));
        if (n == 0) return out;
        out.append(buffer, 0, n);
    }
}

Result<std::string> decompressed(std::string_view text) {
    TextSource source(text);
    auto plain = TRY(decompress(source));
    return all_of(*plain);
}

struct Format {
    const char* name;
    std::unique_ptr<CompressingSink> (*sink)(ByteSink&, int);
    Compression compression;
};

class Compressed : public ::testing::TestWithParam<Format> {
protected:
    std::string compress(std::string_view text, int level = 1) const {
        TextSink out;
        auto sink = GetParam().sink(out, level);
        for (size_t at = 0; at < text.size(); at += 777) EXPECT_TRUE(sink->write(text.substr(at, 777)).ok());
        EXPECT_TRUE(sink->finish().ok());
        return out.take();
    }
};

TEST_P(Compressed, ComesBackAsItWas) {
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{5000}, size_t{3'000'000}}) {
        for (int level : {0, 1, 3}) {
            std::string text = some_text(bytes), packed = compress(text, level);
            EXPECT_EQ(detect_compression(packed), GetParam().compression);
            auto back = decompressed(packed);
            ASSERT_TRUE(back.ok()) << back.error().message();
            EXPECT_EQ(*back, text);
            if (bytes == 5000) {
                EXPECT_LT(packed.size(), text.size());
                EXPECT_EQ(packed, compress(text, level)); // deterministic
            }
        }
    }
}

TEST_P(Compressed, IsReadFromASourceThatDrips) {
    std::string text = some_text(20'000), packed = compress(text);
    Dripping source(packed);
    auto plain = decompress(source);
    ASSERT_TRUE(plain.ok());
    EXPECT_EQ(all_of(**plain).value(), text);
}

TEST_P(Compressed, SeveralStreamsInARowAreOne) {
    std::string packed = compress("one ") + compress("") + compress("two");
    EXPECT_EQ(decompressed(packed).value(), "one two");
}

TEST_P(Compressed, EveryTruncationIsAnError) {
    std::string packed = compress(some_text(3000));
    for (size_t cut = 10; cut < packed.size(); cut += 13) {
        auto back = decompressed(std::string_view(packed).substr(0, cut));
        EXPECT_FALSE(back.ok()) << "cut at " << cut;
    }
}

TEST_P(Compressed, DamageIsAnError) {
    std::string packed = compress(some_text(3000));
    packed[packed.size() / 2] ^= 0x55;
    EXPECT_FALSE(decompressed(packed).ok());
}

INSTANTIATE_TEST_SUITE_P(Formats, Compressed,
                         ::testing::Values(Format{"gzip", gzip_sink, Compression::gzip},
                                           Format{"zstd", zstd_sink, Compression::zstd}),
                         [](const auto& info) { return info.param.name; });

TEST(Decompress, PassesOnWhatIsNotCompressed) {
    EXPECT_EQ(decompressed("").value(), "");
    EXPECT_EQ(decompressed("abc").value(), "abc");
    EXPECT_EQ(decompressed(some_text(100'000)).value(), some_text(100'000));
}

TEST(Decompress, NamesWhatItDoesNotSupport) {
    auto bzip2 = decompressed("BZh91AY&SY");
    ASSERT_FALSE(bzip2.ok());
    EXPECT_EQ(bzip2.error().kind(), ErrorKind::unsupported);
    EXPECT_THAT(bzip2.error().message(), HasSubstr("bzip2"));
    EXPECT_THAT(decompressed(std::string("\xfd"
                                         "7zXZ\0rest",
                                         10))
                    .error()
                    .message(),
                HasSubstr("xz"));
}

TEST(Gunzip, TakesZerosAfterTheEndButNothingElse) {
    TextSink out;
    auto sink = gzip_sink(out);
    ASSERT_TRUE(sink->write("abc").ok());
    ASSERT_TRUE(sink->finish().ok());
    EXPECT_EQ(decompressed(out.text() + std::string(1000, '\0')).value(), "abc");
    EXPECT_THAT(decompressed(out.text() + "garbage").error().message(), HasSubstr("after the end"));
}

} // namespace
} // namespace hull
