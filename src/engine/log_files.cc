#include "engine/log_files.h"

#include <algorithm>
#include <array>

namespace hull::engine {
namespace {

constexpr size_t kChunk = size_t{64} << 10;
// A line that never ends is no line: longer ones are skipped in pieces.
constexpr size_t kMaxLine = size_t{4} << 20;

// The offset of the first of the last `wanted` lines; what of them isn't in
// this file stays in wanted.
Result<uint64_t> start_of_last(FileReader& file, int64_t& wanted) {
    std::vector<char> chunk(kChunk);
    uint64_t end = TRY(file.size());
    uint64_t at = end;
    while (at > 0) {
        uint64_t begin = at > kChunk ? at - kChunk : 0;
        size_t got = 0;
        while (got < at - begin) {
            size_t n = TRY(file.read_at(begin + got, std::span(chunk).subspan(got, at - begin - got)));
            if (n == 0) break;
            got += n;
        }
        for (size_t i = got; i > 0; --i) {
            // The line end of the last line is not the start of another one.
            if (chunk[i - 1] != '\n' || begin + i == end) continue;
            if (--wanted == 0) return begin + i;
        }
        at = begin;
    }
    if (end > 0) --wanted;
    return uint64_t{0};
}

} // namespace

Result<std::vector<LogFiles::Place>> LogFiles::open_all() {
    std::vector<Place> files;
    for (unsigned n = 0; n <= max_files_; ++n) {
        auto file = host_.open(numbered(n));
        if (!file.ok()) {
            if (file.error().kind() == ErrorKind::not_found) continue;
            return std::move(file).error();
        }
        // A rotation meanwhile shows the same file under its next name.
        FileIdentity identity = (*file)->identity();
        bool known = std::ranges::any_of(files, [&](const Place& place) { return place.file->identity() == identity; });
        if (!known) files.push_back({.file = std::move(*file), .offset = 0});
    }
    return files;
}

Result<void> LogFiles::open(int64_t lines) {
    waiting_ = TRY(open_all());
    if (lines >= 0) {
        size_t keep = 0;
        for (int64_t wanted = lines; keep < waiting_.size() && wanted > 0; ++keep)
            waiting_[keep].offset = TRY(start_of_last(*waiting_[keep].file, wanted));
        if (lines == 0 && !waiting_.empty()) {
            waiting_[0].offset = TRY(waiting_[0].file->size());
            keep = 1;
        }
        waiting_.resize(keep);
    }
    TRY(next_file());
    return {};
}

Result<std::unique_ptr<FileReader>> LogFiles::newer_than(const FileIdentity& identity) {
    std::unique_ptr<FileReader> newer;
    for (unsigned n = 0; n <= max_files_; ++n) {
        auto file = host_.open(numbered(n));
        if (!file.ok()) {
            if (file.error().kind() == ErrorKind::not_found) continue;
            return std::move(file).error();
        }
        if ((*file)->identity() == identity) return newer; // null: it is still the newest
        newer = std::move(*file);
    }
    // It was rotated away: the oldest that is left comes next.
    return newer;
}

Result<bool> LogFiles::next_file() {
    if (!waiting_.empty()) {
        current_ = std::move(waiting_.back().file);
        offset_ = waiting_.back().offset;
        waiting_.pop_back();
    } else {
        std::unique_ptr<FileReader> newer;
        if (current_) {
            newer = TRY(newer_than(current_->identity()));
        } else if (auto first = host_.open(path_); first.ok()) {
            newer = std::move(*first);
        }
        if (!newer) return false;
        current_ = std::move(newer);
        offset_ = 0;
    }
    buffer_.clear();
    used_ = 0;
    return true;
}

Result<bool> LogFiles::fill() {
    buffer_.erase(0, used_);
    used_ = 0;
    if (buffer_.size() > kMaxLine) buffer_.clear();
    size_t before = buffer_.size();
    buffer_.resize(before + kChunk);
    auto got = current_->read_at(offset_, std::span(buffer_).subspan(before));
    buffer_.resize(before + (got.ok() ? *got : 0));
    size_t bytes = TRY(std::move(got));
    offset_ += bytes;
    return bytes > 0;
}

Result<std::optional<std::string_view>> LogFiles::next() {
    if (!current_ && !TRY(next_file())) return std::optional<std::string_view>();
    for (;;) {
        size_t end = buffer_.find('\n', used_);
        if (end != std::string::npos) {
            std::string_view line = std::string_view(buffer_).substr(used_, end - used_);
            used_ = end + 1;
            return std::optional(line);
        }
        if (TRY(fill())) continue;
        // At its end: look for a newer one first, then once more for what came
        // to this one before it was put aside.
        if (waiting_.empty()) {
            auto newer = TRY(newer_than(current_->identity()));
            if (!newer) return std::optional<std::string_view>();
            if (TRY(fill())) continue;
            current_ = std::move(newer);
            offset_ = 0;
            buffer_.clear();
            used_ = 0;
        } else {
            TRY(next_file());
        }
    }
}

} // namespace hull::engine
