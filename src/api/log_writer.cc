#include "api/log_writer.h"

#include "api/stream_frames.h"

namespace hull::api {

namespace {
constexpr size_t send_size = size_t{64} << 10;
}

std::string log_time(WallTime time) {
    std::string text = to_rfc3339(time); // trailing zeros of the fraction are dropped there
    text.pop_back();
    size_t dot = text.find('.');
    if (dot == text.npos) {
        dot = text.size();
        text.push_back('.');
    }
    text.append(10 - (text.size() - dot), '0');
    return text + "Z";
}

bool LogWriter::line(const engine::LogLine& line) {
    std::string prefix;
    if (format_.timestamps) prefix = log_time(line.time) + " ";
    if (format_.details) prefix.append(line.attributes).append(" ");
    if (format_.framed)
        append_frame_head(buffer_, line.is_stderr ? StreamId::stderr_ : StreamId::stdout_,
                          prefix.size() + line.text.size());
    buffer_.append(prefix).append(line.text);
    return buffer_.size() < send_size || flush();
}

bool LogWriter::flush() {
    if (buffer_.empty()) return true;
    bool sent = send_(buffer_);
    buffer_.clear();
    return sent;
}

} // namespace hull::api
