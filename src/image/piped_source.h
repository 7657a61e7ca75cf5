// What one thread writes, as a source that another reads; at most a few MiB in
// between.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "codec/stream.h"

namespace hull::image {

class PipedSource : public ByteSource {
public:
    // writer runs on a thread of its own, from now on; its error is the reader's.
    explicit PipedSource(std::function<Result<void>(ByteSink&)> writer)
        : thread_([this, writer = std::move(writer)] {
              Sink sink(*this);
              auto done = writer(sink);
              std::lock_guard held(mutex_);
              if (!done.ok()) error_ = std::move(done).error();
              ended_ = true;
              changed_.notify_all();
          }) {}
    // Whoever writes is told by an error, and waited for.
    ~PipedSource() override {
        {
            std::lock_guard held(mutex_);
            closed_ = true;
            changed_.notify_all();
        }
        thread_.join();
    }

    Result<size_t> read(std::span<char> into) override {
        if (used_ == piece_.size()) {
            std::unique_lock held(mutex_);
            changed_.wait(held, [&] { return ended_ || !pieces_.empty(); });
            if (pieces_.empty()) {
                if (error_) return *error_;
                return size_t{0};
            }
            piece_ = std::move(pieces_.front());
            pieces_.pop_front();
            bytes_ -= piece_.size();
            used_ = 0;
            changed_.notify_all();
        }
        size_t n = piece_.copy(into.data(), into.size(), used_);
        used_ += n;
        return n;
    }

private:
    static constexpr size_t max_bytes = size_t{4} << 20;
    class Sink : public ByteSink {
    public:
        explicit Sink(PipedSource& pipe) : pipe_(pipe) {}
        Result<void> write(std::string_view data) override {
            if (data.empty()) return {};
            std::unique_lock held(pipe_.mutex_);
            pipe_.changed_.wait(held, [&] { return pipe_.closed_ || pipe_.bytes_ < max_bytes; });
            if (pipe_.closed_) return Error(ErrorKind::cancelled, "nobody reads any more");
            pipe_.pieces_.emplace_back(data);
            pipe_.bytes_ += data.size();
            pipe_.changed_.notify_all();
            return {};
        }

    private:
        PipedSource& pipe_;
    };

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> pieces_;
    size_t bytes_ = 0;
    bool ended_ = false, closed_ = false;
    std::optional<Error> error_;
    std::string piece_; // the reader's
    size_t used_ = 0;
    std::thread thread_; // last: it uses what stands above
};

} // namespace hull::image
