// A source of what a function writes: the function runs in a thread of its own,
// a little ahead of who reads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "codec/stream.h"

namespace hull::store {

class ProducedSource : public ByteSource {
public:
    using Producer = std::function<Result<void>(ByteSink&)>;
    explicit ProducedSource(Producer producer);
    // Ends the producer (its sink fails with cancelled) and waits for it.
    ~ProducedSource() override;
    // After the last byte, the producer's error if it had one.
    Result<size_t> read(std::span<char> into) override;

private:
    class Sink;
    void produce(const Producer& producer);
    Result<void> put(std::string_view data);
    Result<void> hand_over();

    std::string filling_; // the producer's
    std::string reading_; // the reader's
    size_t taken_ = 0;    // of reading_

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> ready_; // handed over, in order; under mutex_ as all below
    std::string spare_;             // read; its memory is used again
    bool ended_ = false, unwanted_ = false;
    std::optional<Error> error_;
    std::thread thread_; // last: it uses what is above
};

} // namespace hull::store
