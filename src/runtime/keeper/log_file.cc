#include "runtime/keeper/log_file.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>

#include "base/log.h"
#include "runtime/keeper/json_escape.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/tree.h"

namespace hull::keeper {

namespace {

constexpr std::string_view head = "{\"log\":\"";
// How much more goes to a file that can't be moved on just now.
constexpr uint64_t postponement = uint64_t{1} << 20;

std::string json_string(std::string_view text) {
    std::string out(text.size() * max_escaped_per_byte + 2, '"');
    char* end = escape_json(text, out.data() + 1);
    *end++ = '"';
    out.resize(static_cast<size_t>(end - out.data()));
    return out;
}

std::string print_attributes(const std::vector<Attribute>& attributes) {
    if (attributes.empty()) return {};
    std::string out = ",\"attrs\":{";
    for (size_t i = 0; i < attributes.size(); ++i) {
        if (i > 0) out += ',';
        out += json_string(attributes[i].name) + ':' + json_string(attributes[i].value);
    }
    return out + '}';
}

// hulld compresses a file that was moved on, and locks this meanwhile.
Result<UniqueFd> lock_against_compressing(const std::string& path) {
    auto lock = sys::open(path + ".lock", O_RDWR | O_NOFOLLOW);
    if (!lock.ok() && lock.error().kind() == ErrorKind::not_found) return UniqueFd();
    if (!lock.ok()) return lock;
    if (!TRY(sys::try_lock(*lock, sys::Sharing::exclusive)))
        return Error(ErrorKind::conflict, "it is being compressed");
    return lock;
}

Result<void> move_on(const std::string& from, const std::string& to) {
    auto renamed = sys::rename(from, to);
    if (!renamed.ok() && renamed.error().kind() != ErrorKind::not_found) return renamed;
    return {};
}

// The size without a last line that has no end.
Result<uint64_t> size_of_whole_lines(BorrowedFd fd, uint64_t size) {
    std::string block(64 << 10, '\0');
    for (uint64_t end = size; end > 0;) {
        uint64_t start = end > block.size() ? end - block.size() : 0;
        size_t n = TRY(sys::read_at(fd, start, {block.data(), end - start}));
        size_t newline = std::string_view(block.data(), n).rfind('\n');
        if (newline != std::string_view::npos) return start + newline + 1;
        end = start;
    }
    return uint64_t{0};
}

} // namespace

LineBuffer::LineBuffer() : bytes_(new char[capacity]) {}

Result<LogFile> LogFile::open(const LogSpec& spec, LineBuffer& buffer) {
    LogFile log(spec, buffer);
    log.attributes_ = print_attributes(spec.attributes);
    TRY(log.open_file());
    return log;
}

Result<void> LogFile::open_file() {
    fd_ = TRY(sys::open(spec_.path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0640));
    uint64_t end = TRY(sys::file_length(fd_).context(spec_.path));
    size_ = TRY(size_of_whole_lines(fd_, end).context(spec_.path));
    if (size_ != end) TRY(sys::truncate(fd_, size_).context(spec_.path));
    return {};
}

Result<void> LogFile::rotate() {
    auto numbered = [&](unsigned n) { return n == 0 ? spec_.path : spec_.path + "." + std::to_string(n); };
    if (spec_.max_files < 2) {
        TRY(sys::truncate(fd_, 0));
        size_ = 0;
        return {};
    }
    auto lock = lock_against_compressing(spec_.path);
    if (!lock.ok()) {
        postponed_ = size_ + postponement;
        if (lock.error().kind() == ErrorKind::conflict) return {};
        return std::move(lock).error();
    }
    postponed_ = 0;
    // Not replaced by the rename: ext4 would first write out what is renamed,
    // which at this rate is most often gone before it ever need be written.
    auto removed = sys::unlink(numbered(spec_.max_files - 1));
    if (!removed.ok() && removed.error().kind() != ErrorKind::not_found) return removed;
    // Compressed ones are there only where hulld has left its lock file.
    bool compressed = lock->valid();
    if (compressed) {
        removed = sys::unlink(numbered(spec_.max_files - 1) + ".gz");
        if (!removed.ok() && removed.error().kind() != ErrorKind::not_found) return removed;
    }
    for (unsigned n = spec_.max_files - 1; n > 0; --n) {
        TRY(move_on(numbered(n - 1), numbered(n)));
        if (compressed && n > 1) TRY(move_on(numbered(n - 1) + ".gz", numbered(n) + ".gz"));
    }
    fd_.reset();
    return open_file();
}

void LogFile::write(OutputStream stream, std::string_view data, WallTime now) {
    start_batch(stream, now);
    std::string& partial = partial_[index(stream)];
    while (!data.empty()) {
        auto* newline = static_cast<const char*>(std::memchr(data.data(), '\n', data.size()));
        size_t length = newline ? static_cast<size_t>(newline - data.data()) : data.size();
        if (partial.size() + length >= max_line) {
            // Too long: a part of it, without an end, and then the rest.
            size_t taken = max_line - partial.size();
            partial.append(data, 0, taken);
            put_line(partial, Ending::none);
            partial.clear();
            data.remove_prefix(taken);
            continue;
        }
        if (!newline) {
            partial.append(data);
            break;
        }
        if (partial.empty()) {
            put_line(data.substr(0, length), Ending::newline);
        } else {
            partial.append(data, 0, length);
            put_line(partial, Ending::newline);
            partial.clear();
        }
        data.remove_prefix(length + 1);
    }
    if (partial.empty() && partial.capacity() > 256) std::string().swap(partial);
    flush();
}

void LogFile::finish(WallTime now) {
    for (OutputStream stream : {OutputStream::out, OutputStream::err}) {
        std::string& partial = partial_[index(stream)];
        if (partial.empty()) continue;
        start_batch(stream, now);
        put_line(partial, Ending::none);
        partial.clear();
        flush();
    }
}

void LogFile::start_batch(OutputStream stream, WallTime now) {
    used_ = 0;
    tail_ = stream == OutputStream::out ? R"(","stream":"stdout")" : R"(","stream":"stderr")";
    tail_ += attributes_;
    tail_ += R"(,"time":")";
    tail_ += to_rfc3339(now);
    tail_ += "\"}\n";
}

void LogFile::put_line(std::string_view text, Ending ending) {
    if (spec_.max_bytes != 0 && size_ + used_ >= std::max(spec_.max_bytes, postponed_)) {
        flush();
        if (auto rotated = rotate(); !rotated.ok()) report("rotate", rotated.error());
    }
    size_t most = head.size() + text.size() * max_escaped_per_byte + 2 + tail_.size();
    if (most > LineBuffer::capacity) return; // attributes of half a megabyte
    if (used_ + most > LineBuffer::capacity) flush();
    char* out = buffer_->begin() + used_;
    std::memcpy(out, head.data(), head.size());
    out = escape_json(text, out + head.size());
    if (ending == Ending::newline) {
        *out++ = '\\';
        *out++ = 'n';
    }
    std::memcpy(out, tail_.data(), tail_.size());
    used_ = static_cast<size_t>(out - buffer_->begin()) + tail_.size();
}

void LogFile::flush() {
    if (used_ == 0) return;
    if (!fd_) {
        if (auto opened = open_file(); !opened.ok()) {
            used_ = 0;
            return report("open", opened.error());
        }
    }
    auto written = sys::write_all(fd_, {buffer_->begin(), used_});
    if (written.ok()) {
        size_ += used_;
        failing_ = false;
    } else {
        report("write to", written.error());
        // A part may have got there: the file must go on at the start of a line.
        if (!sys::truncate(fd_, size_).ok()) fd_.reset();
    }
    used_ = 0;
}

void LogFile::report(std::string_view doing, const Error& error) {
    if (failing_) return;
    failing_ = true;
    log::error(std::string(doing) + " " + spec_.path + "; output is dropped", error);
}

} // namespace hull::keeper
