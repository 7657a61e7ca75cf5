#include "image/blob_fetch.h"

#include <algorithm>
#include <chrono>

namespace hull::image {

namespace {

constexpr uint64_t large_blob = uint64_t{32} << 20, segment_bytes = uint64_t{16} << 20;
constexpr size_t max_connections = 3;
constexpr int max_failures = 5;

bool worth_another_try(const Error& error) {
    return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timed_out;
}

// Writes at a position that moves on.
class PositionSink : public ByteSink {
public:
    PositionSink(store::PartialBlob& into, std::function<void(uint64_t)> moved)
        : into_(into), moved_(std::move(moved)) {}
    void seek(uint64_t position) { position_ = position; }
    Result<void> write(std::string_view data) override {
        TRY(into_.write(position_, data));
        position_ += data.size();
        moved_(position_);
        return {};
    }

private:
    store::PartialBlob& into_;
    std::function<void(uint64_t)> moved_;
    uint64_t position_ = 0;
};

} // namespace

BlobFetch::BlobFetch(std::shared_ptr<registry::Session> session, std::unique_ptr<store::PartialBlob> into,
                     Digest digest, std::function<void()> done)
    : session_(std::move(session)), partial_(std::move(into)), digest_(std::move(digest)), done_(std::move(done)),
      resumed_(partial_->present() > 0) {
    const uint64_t piece = partial_->size() >= large_blob ? segment_bytes : partial_->size();
    for (const Range& missing : partial_->missing())
        for (uint64_t at = missing.begin; at < missing.end; at += piece)
            todo_.push_back({at, std::min(at + piece, missing.end)});
    std::lock_guard held(mutex_);
    running_ = 1;
    threads_.emplace_back([this] { connection(true); });
}

BlobFetch::~BlobFetch() {
    stop();
    for (size_t i = 0;; ++i) { // connections start others
        std::unique_lock held(mutex_);
        if (i == threads_.size()) break;
        std::thread thread = std::move(threads_[i]);
        held.unlock();
        thread.join();
    }
}

void BlobFetch::stop() {
    stop_.request_stop();
    std::lock_guard held(mutex_);
    changed_.notify_all();
}

bool BlobFetch::ended() const {
    std::lock_guard held(mutex_);
    return running_ == 0;
}

void BlobFetch::fail(Error error) {
    std::lock_guard held(mutex_);
    if (!failed_) failed_ = std::move(error);
    todo_.clear();
    stop_.request_stop(); // the others needn't go on
    changed_.notify_all();
}

void BlobFetch::start_more() {
    if (stop_.stop_requested()) return;
    while (running_ < max_connections && running_ - 1 < todo_.size()) {
        ++running_;
        threads_.emplace_back([this] { connection(false); });
    }
}

void BlobFetch::connection(bool first) {
    for (;;) {
        std::unique_lock held(mutex_);
        if (todo_.empty() || stop_.stop_requested() || (!first && !ranges_work_)) break;
        Range range = todo_.front();
        todo_.pop_front();
        held.unlock();

        const uint64_t before = range.begin;
        auto fetched = fetch(range);
        if (fetched.ok() && range.begin >= range.end) continue;
        Error error = fetched.ok() ? Error(ErrorKind::unavailable, "blob " + digest_.str() + " ended before its " +
                                                                       std::to_string(partial_->size()) +
                                                                       " bytes: unexpected EOF")
                                   : std::move(fetched).error();
        held.lock();
        if (stop_.stop_requested()) break;
        failures_ = range.begin > before ? 0 : failures_ + 1;
        if (!worth_another_try(error) || failures_ >= max_failures) {
            held.unlock();
            fail(std::move(error));
            held.lock();
            break;
        }
        todo_.push_front(range);
        changed_.wait_for(held, std::chrono::milliseconds(100L << failures_), [&] { return stop_.stop_requested(); });
    }
    bool last = false;
    {
        std::lock_guard held(mutex_);
        last = --running_ == 0;
        if (last && !failed_ && stop_.stop_requested()) failed_ = Error(ErrorKind::cancelled, "context canceled");
        changed_.notify_all();
    }
    if (last) done_();
}

Result<void> BlobFetch::fetch(Range& range) {
    PositionSink sink(*partial_, [&](uint64_t position) {
        std::lock_guard held(mutex_);
        range.begin = std::max(range.begin, position);
        changed_.notify_all();
    });
    auto open = [&](registry::Session::Served served) -> Result<ByteSink*> {
        sink.seek(served.from);
        std::lock_guard held(mutex_);
        if (served.ranged) {
            ranges_work_ = true;
            start_more();
        } else {
            // All of it comes, from the beginning: nobody else needs to do a thing.
            todo_.clear();
            range.end = partial_->size();
        }
        return &sink;
    };
    // A blob that isn't large is asked for as a whole: not every server knows ranges.
    const bool whole = range.begin == 0 && range.end == partial_->size();
    return session_->blob(digest_, range.begin, whole ? 0 : range.end, open, stop_.get_token());
}

Result<size_t> BlobFetch::read(std::span<char> into) {
    {
        // All that is asked for at once: pieces as small as they arrive would be hashed one by one.
        const uint64_t wanted = std::min<uint64_t>(into.size(), partial_->size() - position_);
        std::unique_lock held(mutex_);
        changed_.wait(held, [&] {
            return partial_->whole_until(position_) - position_ >= wanted || failed_ || stop_.stop_requested();
        });
        if (failed_) return *failed_;
        if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "context canceled");
    }
    size_t n = TRY(partial_->read(position_, into));
    hash_.update_together({into.data(), n});
    position_ += n;
    return n;
}

Result<void> BlobFetch::verify_and_keep() {
    if (Digest::from_sha256_hex(hash_.hex_digest()) == digest_) return partial_->keep();
    stop();
    TRY(partial_->forget());
    return Error(ErrorKind::corrupt, "filesystem layer verification failed for digest " + digest_.str());
}

} // namespace hull::image
