#include <bzlib.h>

#include <algorithm>
#include <string>

#include "codec/compress/compress.h"

namespace hull {

namespace {

constexpr size_t bzip2_input_bytes = size_t{64} << 10;

// A stream needs 4 MiB at most, whatever it says.
class Unbzip2 : public ByteSource {
public:
    explicit Unbzip2(ByteSource& source) : source_(source), input_(bzip2_input_bytes, '\0') {}
    ~Unbzip2() override { stop(); }
    Unbzip2(const Unbzip2&) = delete;
    Unbzip2& operator=(const Unbzip2&) = delete;

    Result<size_t> read(std::span<char> into) override {
        if (into.empty()) return size_t{0};
        const auto room = static_cast<unsigned>(std::min<size_t>(into.size(), 1u << 30));
        stream_.next_out = into.data();
        stream_.avail_out = room;
        while (stream_.avail_out == room) {
            if (stream_.avail_in == 0 && !ended_) {
                size_t n = TRY(source_.read(input_));
                stream_.next_in = input_.data();
                stream_.avail_in = static_cast<unsigned>(n);
                ended_ = n == 0;
            }
            if (!running_) {
                if (stream_.avail_in == 0) {
                    if (!any_) return unexpected_end();
                    return size_t{0};
                }
                TRY(begin());
            }
            const unsigned had = stream_.avail_in;
            int code = BZ2_bzDecompress(&stream_);
            if (code == BZ_STREAM_END) { // another one may follow
                stop();
                any_ = true;
                continue;
            }
            if (code == BZ_MEM_ERROR) return Error(ErrorKind::system, "bzip2: out of memory");
            if (code != BZ_OK) return Error(ErrorKind::invalid_argument, "bzip2: corrupt input");
            if (ended_ && had == 0 && stream_.avail_out == room) return unexpected_end();
        }
        return room - stream_.avail_out;
    }

private:
    static Error unexpected_end() { return {ErrorKind::invalid_argument, "bzip2: unexpected EOF"}; }
    Result<void> begin() {
        bz_stream fresh{};
        fresh.next_in = stream_.next_in;
        fresh.avail_in = stream_.avail_in;
        fresh.next_out = stream_.next_out;
        fresh.avail_out = stream_.avail_out;
        stream_ = fresh;
        if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) return Error(ErrorKind::system, "bzip2: out of memory");
        running_ = true;
        return {};
    }
    void stop() {
        if (running_) BZ2_bzDecompressEnd(&stream_);
        running_ = false;
    }

    ByteSource& source_;
    std::string input_;
    bz_stream stream_{};
    bool running_ = false, ended_ = false, any_ = false;
};

} // namespace

std::unique_ptr<ByteSource> unbzip2(ByteSource& source) { return std::make_unique<Unbzip2>(source); }

} // namespace hull
