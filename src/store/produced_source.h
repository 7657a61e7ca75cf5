// A source of what a function writes: the function runs in a thread of its own,
// a little ahead of who reads.
#pragma once

#include <condition_variable>
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
    Result<void> put(std::string_view data);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string waiting_; // written, not yet read; under mutex_ as all below
    size_t taken_ = 0;    // of waiting_
    bool ended_ = false, unwanted_ = false;
    std::optional<Error> error_;
    std::thread thread_; // last: it uses what is above
};

} // namespace hull::store
