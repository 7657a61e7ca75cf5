// A source read ahead on one thread and hashed on another, so that whoever
// consumes it waits for neither. One consumer thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "codec/stream.h"

namespace hull::store {

class HashingChunks : public ChunkSource {
public:
    // source must outlive this; nobody else may read it meanwhile. Error
    // too_large from next() beyond limit bytes.
    HashingChunks(ByteSource& source, uint64_t limit);
    // Waits for a read() of the source that is under way.
    ~HashingChunks() override;
    HashingChunks(const HashingChunks&) = delete;
    HashingChunks& operator=(const HashingChunks&) = delete;

    Result<std::string_view> next() override;
    uint64_t bytes() const { return bytes_; } // given out so far

    // SHA-256 of everything. Only after next() gave the end.
    std::string hex_digest();

private:
    struct Shared;
    std::unique_ptr<Shared> shared_;
    uint64_t limit_;
    uint64_t bytes_ = 0;
};

} // namespace hull::store
