#include "http/response_parser.h"

#include <algorithm>
#include <charconv>

namespace hull::http {

namespace {

constexpr size_t max_line = 4096;    // of a chunk size with its extensions
constexpr size_t max_trailer = 8192; // all trailer lines together
constexpr size_t max_headers = 256;

Error malformed(std::string_view what) {
    return Error(ErrorKind::invalid_argument, "malformed HTTP response: " + std::string(what));
}

std::string_view take_line(std::string_view& text) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

template <class N>
bool read_number(std::string_view text, N& out, int base) {
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return ec == std::errc{} && end == text.data() + text.size() && !text.empty();
}

} // namespace

size_t find_head_end(std::string_view data) {
    size_t crlf = data.find("\r\n\r\n");
    size_t lf = data.find("\n\n");
    if (crlf != data.npos && (lf == data.npos || crlf < lf)) return crlf + 4;
    return lf == data.npos ? 0 : lf + 2;
}

Result<ResponseHead> parse_response_head(std::string_view head) {
    std::string_view rest = head;
    std::string_view line = take_line(rest);
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return malformed("no status line");
    ResponseHead out;
    out.http_1_0 = line[7] == '0';
    if (!read_number(line.substr(9, 3), out.status, 10) || out.status < 100 || (line.size() > 12 && line[12] != ' '))
        return malformed("bad status");
    if (line.size() > 13) out.reason = line.substr(13);
    for (size_t count = 0; !(line = take_line(rest)).empty(); ++count) {
        size_t colon = line.find(':');
        if (colon == line.npos || colon == 0) return malformed("bad header line");
        if (line.substr(0, colon).find_first_of(" \t") != line.npos) return malformed("space in a header name");
        if (count == max_headers) return malformed("too many headers");
        out.headers.add(std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
    }
    return out;
}

Result<BodyDecoder> BodyDecoder::for_response(const ResponseHead& head, bool head_request) {
    BodyDecoder decoder;
    if (head_request || head.status < 200 || head.status == 204 || head.status == 304) return decoder;
    if (head.headers.has("Transfer-Encoding")) {
        if (!head.headers.has_token("Transfer-Encoding", "chunked")) return malformed("unknown transfer encoding");
        decoder.state_ = State::chunk_size;
    } else if (head.headers.has("Content-Length")) {
        if (!read_number(head.headers.get("Content-Length"), decoder.left_, 10)) return malformed("bad Content-Length");
        if (decoder.left_ > 0) decoder.state_ = State::fixed;
    } else {
        decoder.state_ = State::close;
        decoder.until_close_ = true;
    }
    return decoder;
}

Result<BodyDecoder::Step> BodyDecoder::step(std::string_view data) {
    if (data.empty()) return Step{};
    switch (state_) {
    case State::done: return Step{};
    case State::close: return Step{data.size(), data};
    case State::fixed:
    case State::chunk_data: {
        size_t n = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
        left_ -= n;
        if (left_ == 0) state_ = state_ == State::fixed ? State::done : State::chunk_end;
        return Step{n, data.substr(0, n)};
    }
    case State::chunk_size:
    case State::chunk_end:
    case State::trailer: return line_step(data);
    }
    return Step{};
}

Result<BodyDecoder::Step> BodyDecoder::line_step(std::string_view data) {
    size_t end = data.find('\n');
    size_t used = end == data.npos ? data.size() : end + 1;
    line_.append(data.substr(0, used));
    if (line_.size() > max_line) return malformed("chunk line too long");
    if (end == data.npos) return Step{used, {}};
    std::string line = std::move(line_);
    line_.clear();
    std::string_view text = line;
    text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
    if (state_ == State::chunk_end) {
        if (!text.empty()) return malformed("chunk longer than its size");
        state_ = State::chunk_size;
    } else if (state_ == State::chunk_size) {
        if (!read_number(trim(text.substr(0, text.find(';'))), left_, 16)) return malformed("bad chunk size");
        state_ = left_ == 0 ? State::trailer : State::chunk_data;
    } else {
        trailer_bytes_ += line.size();
        if (trailer_bytes_ > max_trailer) return malformed("trailer too long");
        if (text.empty()) state_ = State::done;
    }
    return Step{used, {}};
}

Result<void> BodyDecoder::end_of_input() {
    if (state_ == State::close) state_ = State::done;
    if (state_ != State::done) return malformed("the body was cut short");
    return {};
}

} // namespace hull::http
