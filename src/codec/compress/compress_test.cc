#include "codec/compress/compress.h"

#include <bzlib.h>
#include <lzma.h>

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

// What libbz2 and liblzma make; nothing of ours writes these.
class Whole : public CompressingSink { // collects, compresses at the end
public:
    explicit Whole(ByteSink& out) : out_(out) {}
    Result<void> write(std::string_view data) override {
        text_.append(data);
        return {};
    }
    Result<void> finish() override { return out_.write(packed(text_)); }

protected:
    virtual std::string packed(std::string text) = 0;

private:
    ByteSink& out_;
    std::string text_;
};

class Bzip2 : public Whole {
public:
    Bzip2(ByteSink& out, int level) : Whole(out), level_(std::max(level, 1)) {}

private:
    std::string packed(std::string text) override {
        std::string out(text.size() + text.size() / 50 + 1000, '\0');
        auto size = static_cast<unsigned>(out.size());
        EXPECT_EQ(
            BZ2_bzBuffToBuffCompress(out.data(), &size, text.data(), static_cast<unsigned>(text.size()), level_, 0, 0),
            BZ_OK);
        out.resize(size);
        return out;
    }
    int level_;
};

class Xz : public Whole {
public:
    Xz(ByteSink& out, int level) : Whole(out), level_(level) {}

private:
    std::string packed(std::string text) override {
        std::string out(lzma_stream_buffer_bound(text.size()), '\0');
        size_t size = 0;
        EXPECT_EQ(lzma_easy_buffer_encode(static_cast<uint32_t>(level_), LZMA_CHECK_CRC64, nullptr,
                                          reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                                          reinterpret_cast<uint8_t*>(out.data()), &size, out.size()),
                  LZMA_OK);
        out.resize(size);
        return out;
    }
    int level_;
};

std::unique_ptr<CompressingSink> bzip2_sink(ByteSink& out, int level) { return std::make_unique<Bzip2>(out, level); }
std::unique_ptr<CompressingSink> xz_sink(ByteSink& out, int level) { return std::make_unique<Xz>(out, level); }

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
                                           Format{"zstd", zstd_sink, Compression::zstd},
                                           Format{"bzip2", bzip2_sink, Compression::bzip2},
                                           Format{"xz", xz_sink, Compression::xz}),
                         [](const auto& info) { return info.param.name; });

TEST(Decompress, PassesOnWhatIsNotCompressed) {
    EXPECT_EQ(decompressed("").value(), "");
    EXPECT_EQ(decompressed("abc").value(), "abc");
    EXPECT_EQ(decompressed(some_text(100'000)).value(), some_text(100'000));
}

TEST(Decompress, RefusesAnXzStreamThatWantsTooMuchMemory) {
    lzma_options_lzma options;
    ASSERT_FALSE(lzma_lzma_preset(&options, 0));
    options.dict_size = 128u << 20;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    std::string out(1000, '\0');
    size_t size = 0;
    ASSERT_EQ(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const uint8_t*>("abc"), 3,
                                        reinterpret_cast<uint8_t*>(out.data()), &size, out.size()),
              LZMA_OK);
    auto refused = decompressed(std::string_view(out).substr(0, size));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::too_large);
    EXPECT_THAT(refused.error().message(), HasSubstr("80 MiB"));
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
