// Files as streams.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "codec/stream.h"
#include "sys/file.h"

namespace hull::store {

// Reads from where the descriptor stands. It must stay open.
class FdSource : public ByteSource {
public:
    explicit FdSource(BorrowedFd fd) : fd_(fd) {}
    Result<size_t> read(std::span<char> into) override { return sys::read(fd_, into); }

private:
    BorrowedFd fd_;
};

// Writes as it comes, without a buffer.
class FdSink : public ByteSink {
public:
    explicit FdSink(BorrowedFd fd) : fd_(fd) {}
    Result<void> write(std::string_view data) override { return sys::write_all(fd_, data); }

private:
    BorrowedFd fd_;
};

} // namespace hull::store
