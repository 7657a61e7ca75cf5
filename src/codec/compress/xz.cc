#include <lzma.h>

#include <string>

#include "codec/compress/compress.h"

namespace hull {

namespace {

// A stream may ask for so much memory: a dictionary of 64 MiB, that of `xz -9`.
constexpr uint64_t xz_memory_bytes = uint64_t{80} << 20;
constexpr size_t xz_input_bytes = size_t{64} << 10;

Error xz_failed(lzma_ret code) {
    switch (code) {
    case LZMA_MEMLIMIT_ERROR:
        return {ErrorKind::too_large, "xz: the stream wants more than 80 MiB of memory (compress it with -9 or less)"};
    case LZMA_OPTIONS_ERROR: return {ErrorKind::unsupported, "xz: the stream uses a filter that is not supported"};
    case LZMA_MEM_ERROR: return {ErrorKind::system, "xz: out of memory"};
    default: return {ErrorKind::invalid_argument, "xz: corrupt input"};
    }
}

class Unxz : public ByteSource {
public:
    explicit Unxz(ByteSource& source) : source_(source), input_(xz_input_bytes, '\0') {}
    ~Unxz() override { lzma_end(&stream_); }
    Unxz(const Unxz&) = delete;
    Unxz& operator=(const Unxz&) = delete;

    Result<size_t> read(std::span<char> into) override {
        if (!begun_) {
            // Several streams in a row are one, as for `xz -d`.
            lzma_ret code = lzma_stream_decoder(&stream_, xz_memory_bytes, LZMA_CONCATENATED);
            if (code != LZMA_OK) return xz_failed(code);
            begun_ = true;
        }
        if (into.empty() || done_) return size_t{0};
        stream_.next_out = reinterpret_cast<uint8_t*>(into.data());
        stream_.avail_out = into.size();
        while (stream_.avail_out == into.size()) {
            if (stream_.avail_in == 0 && !ended_) {
                size_t n = TRY(source_.read(input_));
                stream_.next_in = reinterpret_cast<const uint8_t*>(input_.data());
                stream_.avail_in = n;
                ended_ = n == 0;
            }
            lzma_ret code = lzma_code(&stream_, ended_ ? LZMA_FINISH : LZMA_RUN);
            if (code == LZMA_STREAM_END) {
                done_ = true;
                break;
            }
            if (code == LZMA_BUF_ERROR) return Error(ErrorKind::invalid_argument, "xz: unexpected EOF");
            if (code != LZMA_OK) return xz_failed(code);
        }
        return into.size() - stream_.avail_out;
    }

private:
    ByteSource& source_;
    std::string input_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool begun_ = false, ended_ = false, done_ = false;
};

} // namespace

std::unique_ptr<ByteSource> unxz(ByteSource& source) { return std::make_unique<Unxz>(source); }

} // namespace hull
