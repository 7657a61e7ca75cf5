#include "store/partial_blob.h"

#include <charconv>

#include <fcntl.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "sys/file.h"
#include "sys/file_at.h"

namespace hull::store {

namespace {

constexpr uint64_t list_every_bytes = uint64_t{1} << 20;
constexpr size_t max_list_bytes = size_t{1} << 20;

} // namespace

PartialBlob::PartialBlob(std::string root, std::string hex, uint64_t size, UniqueFd file)
    : root_(std::move(root)), hex_(std::move(hex)), size_(size), file_(std::move(file)) {}

Result<std::unique_ptr<PartialBlob>> PartialBlob::open(const std::string& blobs_root, const Digest& digest,
                                                       uint64_t size) {
    TRY(sys::mkdir_parents(blobs_root + "/partial", 0700));
    UniqueFd file = TRY(sys::open(blobs_root + "/partial/" + digest.hex(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    std::unique_ptr<PartialBlob> partial(new PartialBlob(blobs_root, digest.hex(), size, std::move(file)));
    partial->read_list();
    return partial;
}

PartialBlob::~PartialBlob() {
    std::lock_guard held(mutex_);
    if (kept_) return;
    if (!have_.empty()) {
        write_list();
        return;
    }
    (void)sys::unlink(list_path());
    (void)sys::unlink(data_path());
}

void PartialBlob::read_list() {
    auto text = sys::read_file(list_path(), max_list_bytes);
    auto length = sys::file_length(file_);
    if (!text.ok() || !length.ok()) return;
    for (size_t at = 0; at < text->size();) {
        size_t end_of_line = std::min(text->find('\n', at), text->size());
        const char* end = text->data() + end_of_line;
        uint64_t begin = 0, stop = 0;
        auto first = std::from_chars(text->data() + at, end, begin);
        auto second = first.ptr < end ? std::from_chars(first.ptr + 1, end, stop) : first;
        if (first.ec == std::errc() && second.ec == std::errc() && begin < stop && stop <= size_ && stop <= *length)
            add(begin, stop);
        at = end_of_line + 1;
    }
    unlisted_ = 0;
}

void PartialBlob::write_list() {
    std::string text;
    for (const auto& [begin, end] : have_) text += std::to_string(begin) + " " + std::to_string(end) + "\n";
    auto written = sys::replace_file(list_path(), text, 0600);
    if (!written.ok()) log::warning("write down what came of a blob", written.error());
    unlisted_ = 0;
}

void PartialBlob::add(uint64_t begin, uint64_t end) {
    unlisted_ += end - begin;
    auto next = have_.upper_bound(begin);
    if (next != have_.begin()) {
        auto before = std::prev(next);
        if (before->second >= begin) {
            begin = before->first;
            end = std::max(end, before->second);
            have_.erase(before);
        }
    }
    while (next != have_.end() && next->first <= end) {
        end = std::max(end, next->second);
        next = have_.erase(next);
    }
    have_.emplace(begin, end);
}

Result<void> PartialBlob::write(uint64_t offset, std::string_view data) {
    if (data.empty()) return {};
    if (offset > size_ || data.size() > size_ - offset)
        return Error(ErrorKind::too_large,
                     "the blob is larger than the " + std::to_string(size_) + " bytes that its manifest says");
    TRY(sys::write_all_at(file_, offset, data).context("write a blob"));
    std::lock_guard held(mutex_);
    add(offset, offset + data.size());
    if (unlisted_ >= list_every_bytes) write_list();
    return {};
}

std::vector<PartialBlob::Range> PartialBlob::missing() const {
    std::lock_guard held(mutex_);
    std::vector<Range> out;
    uint64_t at = 0;
    for (const auto& [begin, end] : have_) {
        if (at < begin) out.push_back({at, begin});
        at = end;
    }
    if (at < size_) out.push_back({at, size_});
    return out;
}

uint64_t PartialBlob::present() const {
    std::lock_guard held(mutex_);
    uint64_t bytes = 0;
    for (const auto& [begin, end] : have_) bytes += end - begin;
    return bytes;
}

uint64_t PartialBlob::whole_until(uint64_t offset) const {
    std::lock_guard held(mutex_);
    auto next = have_.upper_bound(offset);
    if (next == have_.begin()) return offset;
    return std::max(offset, std::prev(next)->second);
}

Result<size_t> PartialBlob::read(uint64_t offset, std::span<char> into) const {
    const uint64_t until = whole_until(offset);
    if (until == offset) return size_t{0};
    return sys::read_at(file_, offset, into.first(std::min<uint64_t>(into.size(), until - offset)));
}

Result<void> PartialBlob::keep() {
    std::lock_guard held(mutex_);
    TRY(failpoint("partial.whole"));
    TRY(sys::rename(data_path(), root_ + "/sha256/" + hex_));
    kept_ = true;
    TRY(failpoint("partial.kept"));
    (void)sys::unlink(list_path());
    return {};
}

Result<void> PartialBlob::forget() {
    std::lock_guard held(mutex_);
    have_.clear();
    unlisted_ = 0;
    (void)sys::unlink(list_path());
    return sys::truncate(file_, 0);
}

} // namespace hull::store
