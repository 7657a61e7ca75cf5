#include <algorithm>
#include <string>
#include <vector>

#include <isa-l/igzip_lib.h>

#include "codec/compress/compress.h"

namespace hull {

namespace {

constexpr size_t buffer_bytes = size_t{256} << 10;

Error damaged(std::string_view what) { return {ErrorKind::invalid_argument, "gzip: " + std::string(what)}; }

class Gunzip : public ByteSource {
public:
    explicit Gunzip(ByteSource& source) : source_(source), input_(buffer_bytes, '\0') { begin_member(); }

    Result<size_t> read(std::span<char> into) override {
        state_.next_out = reinterpret_cast<uint8_t*>(into.data());
        state_.avail_out = static_cast<uint32_t>(std::min<size_t>(into.size(), 1u << 30));
        const uint32_t room = state_.avail_out;
        while (state_.avail_out == room) {
            if (state_.block_state == ISAL_BLOCK_FINISH) {
                bool more = TRY(next_member());
                if (!more) return size_t{0};
            }
            if (state_.avail_in == 0 && !ended_) TRY(refill());
            const uint32_t had_in = state_.avail_in;
            int code = isal_inflate(&state_);
            if (code != ISAL_DECOMP_OK)
                return damaged(code == ISAL_INCORRECT_CHECKSUM ? "the checksum is wrong" : "the data is damaged");
            const bool progress =
                state_.avail_out != room || state_.avail_in != had_in || state_.block_state == ISAL_BLOCK_FINISH;
            if (!progress && ended_) return damaged("unexpected EOF");
        }
        return size_t{room - state_.avail_out};
    }

private:
    void begin_member() {
        uint8_t* next = state_.next_in;
        uint32_t left = state_.avail_in;
        uint8_t* out = state_.next_out;
        uint32_t room = state_.avail_out;
        isal_inflate_init(&state_);
        state_.crc_flag = ISAL_GZIP;
        state_.next_in = next;
        state_.avail_in = left;
        state_.next_out = out;
        state_.avail_out = room;
    }
    Result<void> refill() {
        size_t n = TRY(source_.read(input_));
        state_.next_in = reinterpret_cast<uint8_t*>(input_.data());
        state_.avail_in = static_cast<uint32_t>(n);
        ended_ = n == 0;
        return {};
    }
    // Another member may follow, or zeros that fill up a block of tape.
    Result<bool> next_member() {
        for (;;) {
            if (state_.avail_in == 0) {
                if (!ended_) TRY(refill());
                if (ended_) return false;
            }
            if (*state_.next_in != 0) break;
            ++state_.next_in;
            --state_.avail_in;
            padded_ = true;
        }
        if (padded_ || *state_.next_in != 0x1f) return damaged("data after the end of the stream");
        begin_member();
        return true;
    }

    ByteSource& source_;
    std::string input_;
    inflate_state state_{};
    bool ended_ = false;
    bool padded_ = false;
};

class GzipSink : public CompressingSink {
public:
    GzipSink(ByteSink& out, int level) : out_(out), output_(buffer_bytes, '\0') {
        static constexpr uint32_t level_bytes[] = {ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT,
                                                   ISAL_DEF_LVL3_DEFAULT};
        isal_deflate_init(&stream_);
        stream_.level = static_cast<uint32_t>(std::clamp(level, 0, 3));
        level_buffer_.resize(level_bytes[stream_.level]);
        stream_.level_buf = level_buffer_.data();
        stream_.level_buf_size = static_cast<uint32_t>(level_buffer_.size());
        stream_.gzip_flag = IGZIP_GZIP;
        stream_.flush = NO_FLUSH;
    }
    Result<void> write(std::string_view data) override {
        while (!data.empty()) {
            std::string_view piece = data.substr(0, size_t{1} << 30);
            data.remove_prefix(piece.size());
            stream_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(piece.data())); // not written to
            stream_.avail_in = static_cast<uint32_t>(piece.size());
            TRY(run());
        }
        return {};
    }
    Result<void> finish() override {
        stream_.avail_in = 0;
        stream_.end_of_stream = 1;
        return run();
    }

private:
    Result<void> run() {
        do {
            stream_.next_out = reinterpret_cast<uint8_t*>(output_.data());
            stream_.avail_out = static_cast<uint32_t>(output_.size());
            if (isal_deflate(&stream_) != COMP_OK) return Error(ErrorKind::internal, "gzip: can't compress");
            TRY(out_.write({output_.data(), output_.size() - stream_.avail_out}));
        } while (stream_.avail_out == 0 || (stream_.end_of_stream != 0 && stream_.internal_state.state != ZSTATE_END));
        return {};
    }

    ByteSink& out_;
    std::string output_;
    std::vector<uint8_t> level_buffer_;
    isal_zstream stream_{};
};

} // namespace

std::unique_ptr<ByteSource> gunzip(ByteSource& source) { return std::make_unique<Gunzip>(source); }
std::unique_ptr<CompressingSink> gzip_sink(ByteSink& out, int level) { return std::make_unique<GzipSink>(out, level); }

} // namespace hull
