#include <cstdlib>
#include <string>

#include <zstd.h>

#include "codec/compress/compress.h"

namespace hull {

namespace {

// A frame may ask for a window of this size at most: 128 MiB, as zstd's own
// program allows and no layer tool exceeds.
constexpr int max_window_log = 27;

Error failed(size_t code) { return {ErrorKind::invalid_argument, std::string("zstd: ") + ZSTD_getErrorName(code)}; }

class Unzstd : public ByteSource {
public:
    explicit Unzstd(ByteSource& source) : source_(source), input_(ZSTD_DStreamInSize(), '\0') {
        if (!context_) std::abort();
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, max_window_log);
    }
    Result<size_t> read(std::span<char> into) override {
        ZSTD_outBuffer out{into.data(), into.size(), 0};
        while (out.pos == 0) {
            if (in_.pos == in_.size && !ended_) {
                size_t n = TRY(source_.read(input_));
                in_ = {input_.data(), n, 0};
                ended_ = n == 0;
            }
            if (ended_ && at_frame_end_) return size_t{0};
            const size_t had = in_.pos;
            size_t wanted = ZSTD_decompressStream(context_.get(), &out, &in_);
            if (ZSTD_isError(wanted)) return failed(wanted);
            at_frame_end_ = wanted == 0;
            if (ended_ && out.pos == 0 && in_.pos == had && !at_frame_end_)
                return Error(ErrorKind::invalid_argument, "zstd: unexpected EOF");
        }
        return out.pos;
    }

private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };
    ByteSource& source_;
    std::string input_;
    std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool ended_ = false;
    bool at_frame_end_ = true;
};

class ZstdSink : public CompressingSink {
public:
    ZstdSink(ByteSink& out, int level) : out_(out), output_(ZSTD_CStreamOutSize(), '\0') {
        if (!context_) std::abort();
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    }
    Result<void> write(std::string_view data) override { return run(data, ZSTD_e_continue); }
    Result<void> finish() override { return run({}, ZSTD_e_end); }

private:
    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    Result<void> run(std::string_view data, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in{data.data(), data.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{output_.data(), output_.size(), 0};
            size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
            if (ZSTD_isError(left)) return failed(left);
            if (out.pos > 0) TRY(out_.write({output_.data(), out.pos}));
            if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
        }
    }

    ByteSink& out_;
    std::string output_;
    std::unique_ptr<ZSTD_CCtx, Free> context_{ZSTD_createCCtx()};
};

} // namespace

std::unique_ptr<ByteSource> unzstd(ByteSource& source) { return std::make_unique<Unzstd>(source); }
std::unique_ptr<CompressingSink> zstd_sink(ByteSink& out, int level) { return std::make_unique<ZstdSink>(out, level); }

} // namespace hull
