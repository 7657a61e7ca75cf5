// One blob on its way from a registry: connections write it into the store on
// threads of their own, several at a time when it is large, while it is read
// from the front. Connections that break are taken up where they were.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "codec/compress/sha256.h"
#include "codec/stream.h"
#include "registry/session.h"
#include "store/partial_blob.h"

namespace hull::image {

using model::Digest;

class BlobFetch : public ByteSource {
public:
    // Begins at once. done: called once, when all bytes are there or none will come
    // any more, from another thread.
    BlobFetch(std::shared_ptr<registry::Session> session, std::unique_ptr<store::PartialBlob> into, Digest digest,
              std::function<void()> done);
    // Ends the connections and waits for them. What came stays.
    ~BlobFetch() override;

    // One thread reads. Errors: those of Session::blob(), cancelled by stop().
    Result<size_t> read(std::span<char> into) override;
    // After read() gave the end: the digest is right, and the blob is kept.
    // Error corrupt: what came is forgotten.
    Result<void> verify_and_keep();
    void stop();

    uint64_t present() const { return partial_->present(); }
    uint64_t consumed() const { return position_; }
    bool ended() const; // as done
    bool resumed() const { return resumed_; }

private:
    using Range = store::PartialBlob::Range;
    void connection(bool first);
    void start_more(); // mutex_ held
    // Of the range, as far as it comes; begin follows.
    Result<void> fetch(Range& range);
    void fail(Error error);

    std::shared_ptr<registry::Session> session_;
    std::unique_ptr<store::PartialBlob> partial_;
    Digest digest_;
    std::function<void()> done_;
    bool resumed_;
    std::atomic<uint64_t> position_ = 0;
    Sha256 hash_;
    std::stop_source stop_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Range> todo_;
    std::vector<std::thread> threads_;
    size_t running_ = 0;
    int failures_ = 0; // in a row, without a byte between them
    bool ranges_work_ = false;
    std::optional<Error> failed_;
};

} // namespace hull::image
