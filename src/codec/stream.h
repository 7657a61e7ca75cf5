// Bytes that come and bytes that go: the two interfaces between codecs, files
// and sockets. Neither is thread-safe; one thread uses one stream at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace hull {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    // Between 1 and into.size() bytes; 0 at the end. Blocks. into isn't empty.
    virtual Result<size_t> read(std::span<char> into) = 0;
};

class ByteSink {
public:
    virtual ~ByteSink() = default;
    // All of data, or an error after which the sink is not used again.
    virtual Result<void> write(std::string_view data) = 0;
};

// The same without a copy: the source owns the buffer.
class ChunkSource {
public:
    virtual ~ChunkSource() = default;
    // The next piece, valid until the next call; empty at the end. Blocks.
    virtual Result<std::string_view> next() = 0;
};

// A source read through a buffer of its own.
class BufferedChunks : public ChunkSource {
public:
    explicit BufferedChunks(ByteSource& source, size_t buffer_bytes = size_t{256} << 10)
        : source_(source), buffer_(buffer_bytes, '\0') {}
    Result<std::string_view> next() override {
        size_t n = TRY(source_.read(buffer_));
        return std::string_view(buffer_).substr(0, n);
    }

private:
    ByteSource& source_;
    std::string buffer_;
};

// A text as a source. The text must outlive it.
class TextSource : public ByteSource {
public:
    explicit TextSource(std::string_view text) : rest_(text) {}
    Result<size_t> read(std::span<char> into) override {
        size_t n = rest_.copy(into.data(), into.size());
        rest_.remove_prefix(n);
        return n;
    }

private:
    std::string_view rest_;
};

// Bytes that were read already, then the source that they came from.
class PrefixedSource : public ByteSource {
public:
    PrefixedSource(std::string first, ByteSource& rest) : first_(std::move(first)), rest_(rest) {}
    Result<size_t> read(std::span<char> into) override {
        if (used_ == first_.size()) return rest_.read(into);
        size_t n = first_.copy(into.data(), into.size(), used_);
        used_ += n;
        return n;
    }

private:
    std::string first_;
    size_t used_ = 0;
    ByteSource& rest_;
};

// A sink that keeps everything.
class TextSink : public ByteSink {
public:
    Result<void> write(std::string_view data) override {
        text_.append(data);
        return {};
    }
    const std::string& text() const { return text_; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

// Reads until into is full or the source ends; the number of bytes read.
inline Result<size_t> read_full(ByteSource& source, std::span<char> into) {
    size_t have = 0;
    while (have < into.size()) {
        size_t n = TRY(source.read(into.subspan(have)));
        if (n == 0) break;
        have += n;
    }
    return have;
}

} // namespace hull
