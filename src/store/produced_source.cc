#include "store/produced_source.h"

#include <algorithm>

namespace hull::store {

namespace {

constexpr size_t piece_bytes = size_t{256} << 10, most_ready = 4;

} // namespace

class ProducedSource::Sink : public ByteSink {
public:
    explicit Sink(ProducedSource& source) : source_(source) {}
    Result<void> write(std::string_view data) override { return source_.put(data); }

private:
    ProducedSource& source_;
};

ProducedSource::ProducedSource(Producer producer)
    : thread_([this, producer = std::move(producer)] { produce(producer); }) {}

ProducedSource::~ProducedSource() {
    {
        std::lock_guard lock(mutex_);
        unwanted_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

void ProducedSource::produce(const Producer& producer) {
    Sink sink(*this);
    auto done = producer(sink);
    if (!filling_.empty())
        if (auto handed = hand_over(); done.ok()) done = std::move(handed);
    std::lock_guard lock(mutex_);
    if (!done.ok()) error_ = std::move(done).error();
    ended_ = true;
    changed_.notify_all();
}

Result<void> ProducedSource::put(std::string_view data) {
    while (!data.empty()) {
        filling_.reserve(piece_bytes);
        const std::string_view piece = data.substr(0, piece_bytes - filling_.size());
        filling_.append(piece);
        data.remove_prefix(piece.size());
        if (filling_.size() == piece_bytes) TRY(hand_over());
    }
    return {};
}

Result<void> ProducedSource::hand_over() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return unwanted_ || ready_.size() < most_ready; });
    if (unwanted_) return Error(ErrorKind::cancelled, "nobody reads on");
    ready_.push_back(std::move(filling_));
    filling_ = std::move(spare_);
    filling_.clear();
    changed_.notify_all();
    return {};
}

Result<size_t> ProducedSource::read(std::span<char> into) {
    if (taken_ == reading_.size()) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ended_ || !ready_.empty(); });
        spare_ = std::move(reading_);
        reading_.clear();
        taken_ = 0;
        if (ready_.empty()) return error_ ? Result<size_t>(*error_) : Result<size_t>(size_t{0});
        reading_ = std::move(ready_.front());
        ready_.pop_front();
        changed_.notify_all();
    }
    const size_t n = reading_.copy(into.data(), into.size(), taken_);
    taken_ += n;
    return n;
}

} // namespace hull::store
