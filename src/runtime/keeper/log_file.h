// A container's output as Docker's json-file log: one JSON object per line
// (docs/formats/json-file-log.md), rotated by size.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/keeper/protocol.h"

namespace hull::keeper {

enum class OutputStream : uint8_t { out = 1, err = 2 };

// Room to format lines in, shared by all logs of one thread.
class LineBuffer {
public:
    LineBuffer();
    static constexpr size_t capacity = size_t{512} << 10;
    char* begin() { return bytes_.get(); }

private:
    std::unique_ptr<char[]> bytes_;
};

class LogFile {
public:
    // A line longer than this is split, as Docker does.
    static constexpr size_t max_line = size_t{16} << 10;

    // Opens or makes the file (mode 0640). A broken last line, from a crash in
    // the midst of a write, is cut off.
    static Result<LogFile> open(const LogSpec& spec, LineBuffer& buffer);

    // Whole lines of data go to the file now; an unfinished one is held back
    // for the next call. now is the time of them all. What can't be written
    // (full disk) is dropped; the first error of a row goes to our own log.
    void write(OutputStream stream, std::string_view data, WallTime now);
    // Writes the unfinished lines, too.
    void finish(WallTime now);

    // What is held back, for a keeper that takes over.
    const std::string& held_back(OutputStream stream) const { return partial_[index(stream)]; }
    void hold_back(OutputStream stream, std::string text) { partial_[index(stream)] = std::move(text); }

private:
    LogFile(const LogSpec& spec, LineBuffer& buffer) : spec_(spec), buffer_(&buffer) {}
    static size_t index(OutputStream stream) { return stream == OutputStream::out ? 0 : 1; }
    enum class Ending : uint8_t { newline, none };
    Result<void> open_file();
    Result<void> rotate();
    void start_batch(OutputStream stream, WallTime now);
    void put_line(std::string_view text, Ending ending);
    void flush();
    void report(std::string_view doing, const Error& error);

    LogSpec spec_;
    LineBuffer* buffer_;
    UniqueFd fd_;
    uint64_t size_ = 0;
    uint64_t postponed_ = 0; // not moved on before it has this size
    size_t used_ = 0;        // of buffer_, within one call
    std::string tail_;       // what follows the text of each line of this batch
    std::string attributes_; // ready to print
    std::array<std::string, 2> partial_;
    bool failing_ = false;
};

} // namespace hull::keeper
