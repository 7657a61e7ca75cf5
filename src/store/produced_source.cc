#include "store/produced_source.h"

#include <algorithm>

namespace hull::store {

namespace {

constexpr size_t most_waiting = size_t{1} << 20;

} // namespace

class ProducedSource::Sink : public ByteSink {
public:
    explicit Sink(ProducedSource& source) : source_(source) {}
    Result<void> write(std::string_view data) override { return source_.put(data); }

private:
    ProducedSource& source_;
};

ProducedSource::ProducedSource(Producer producer)
    : thread_([this, producer = std::move(producer)] {
          Sink sink(*this);
          auto done = producer(sink);
          std::lock_guard lock(mutex_);
          if (!done.ok()) error_ = std::move(done).error();
          ended_ = true;
          changed_.notify_all();
      }) {}

ProducedSource::~ProducedSource() {
    {
        std::lock_guard lock(mutex_);
        unwanted_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

Result<void> ProducedSource::put(std::string_view data) {
    std::unique_lock lock(mutex_);
    while (!data.empty()) {
        changed_.wait(lock, [&] { return unwanted_ || waiting_.size() < most_waiting; });
        if (unwanted_) return Error(ErrorKind::cancelled, "nobody reads on");
        size_t now = std::min(data.size(), most_waiting - waiting_.size());
        waiting_.append(data.substr(0, now));
        data.remove_prefix(now);
        changed_.notify_all();
    }
    return {};
}

Result<size_t> ProducedSource::read(std::span<char> into) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || taken_ < waiting_.size(); });
    if (taken_ == waiting_.size()) return error_ ? Result<size_t>(*error_) : Result<size_t>(size_t{0});
    size_t n = waiting_.copy(into.data(), into.size(), taken_);
    taken_ += n;
    if (taken_ == waiting_.size()) {
        waiting_.clear();
        taken_ = 0;
        changed_.notify_all();
    }
    return n;
}

} // namespace hull::store
