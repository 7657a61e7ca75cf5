// A request's body and an answer as streams.
#pragma once

#include "codec/stream.h"
#include "http/server.h"

namespace hull::api {

class BodySource : public ByteSource {
public:
    explicit BodySource(http::Exchange& exchange) : exchange_(exchange) {}
    Result<size_t> read(std::span<char> into) override { return exchange_.read_body(into); }

private:
    http::Exchange& exchange_;
};

class AnswerSink : public ByteSink {
public:
    explicit AnswerSink(http::Exchange& exchange) : exchange_(exchange) {}
    Result<void> write(std::string_view data) override { return exchange_.write(data); }

private:
    http::Exchange& exchange_;
};

// Small pieces are gathered before they go out. flush() at the end.
class GatheringSink : public ByteSink {
public:
    explicit GatheringSink(ByteSink& out) : out_(out) {}
    Result<void> write(std::string_view data) override {
        if (data.size() >= gathered) {
            TRY(flush());
            return out_.write(data);
        }
        waiting_ += data;
        return waiting_.size() < gathered ? Result<void>{} : flush();
    }
    Result<void> flush() {
        if (waiting_.empty()) return {};
        TRY(out_.write(waiting_));
        waiting_.clear();
        return {};
    }

private:
    static constexpr size_t gathered = size_t{64} << 10;
    ByteSink& out_;
    std::string waiting_;
};

} // namespace hull::api
