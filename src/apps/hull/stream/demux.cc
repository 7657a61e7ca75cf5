#include "apps/hull/stream/demux.h"

#include <algorithm>

namespace hull::cli {

namespace {
constexpr size_t head_size = 8;
constexpr size_t hold_size = size_t{1} << 20;
constexpr size_t large = size_t{32} << 10; // goes out without a copy
} // namespace

Demultiplexer::Demultiplexer(Sink sink) : sink_(std::move(sink)) {}

Result<void> Demultiplexer::begin_frame(const unsigned char* head) {
    left_ = uint32_t{head[4]} << 24 | uint32_t{head[5]} << 16 | uint32_t{head[6]} << 8 | head[7];
    if (head[0] > 3 || head[1] != 0 || head[2] != 0 || head[3] != 0)
        return Error(ErrorKind::corrupt, "Unrecognized input header: " + std::to_string(head[0]));
    system_error_ = head[0] == 3;
    current_ = head[0] == 2 ? Output::err : Output::out; // 0 is stdin, echoed as output
    return {};
}

Result<void> Demultiplexer::flush() {
    if (held_.empty()) return {};
    auto done = sink_(pending_, held_);
    held_.clear();
    return done;
}

Result<void> Demultiplexer::payload(std::string_view text) {
    if (system_error_) {
        engine_error_.append(text.substr(0, 4096));
        return {};
    }
    if (current_ != pending_ || held_.size() + text.size() > hold_size) TRY(flush());
    pending_ = current_;
    if (held_.empty() && text.size() >= large) return sink_(current_, text);
    held_.append(text);
    return {};
}

Result<void> Demultiplexer::feed(std::string_view data) {
    while (!data.empty()) {
        if (left_ > 0) {
            std::string_view text = data.substr(0, left_);
            TRY(payload(text));
            data.remove_prefix(text.size());
            left_ -= static_cast<uint32_t>(text.size());
            if (left_ == 0 && system_error_)
                return Error(ErrorKind::internal, "error from daemon in stream: " + engine_error_);
            continue;
        }
        if (head_.empty() && data.size() >= head_size) {
            TRY(begin_frame(reinterpret_cast<const unsigned char*>(data.data())));
            data.remove_prefix(head_size);
            continue;
        }
        std::string_view part = data.substr(0, head_size - head_.size());
        head_.append(part);
        data.remove_prefix(part.size());
        if (head_.size() == head_size) {
            TRY(begin_frame(reinterpret_cast<const unsigned char*>(head_.data())));
            head_.clear();
        }
    }
    return flush();
}

} // namespace hull::cli
