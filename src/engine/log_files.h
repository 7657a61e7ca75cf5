// The files of one json-file log: <path> is written, <path>.1 was before it,
// <path>.2 before that. Reads lines in order, across rotation.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/host_port.h"

namespace hull::engine {

class LogFiles {
public:
    LogFiles(HostPort& host, std::string path, unsigned max_files)
        : host_(host), path_(std::move(path)), max_files_(max_files) {}

    // Opens what is there now, and goes to the first of the last `lines` lines
    // (< 0: to the very first). No file at all is an empty log.
    Result<void> open(int64_t lines);

    // The next whole line without its line end; valid until the next call.
    // nullopt: nothing more now; later perhaps.
    Result<std::optional<std::string_view>> next();

    bool is_open() const { return current_ != nullptr; }
    const std::string& path() const { return path_; }

private:
    struct Place {
        std::unique_ptr<FileReader> file;
        uint64_t offset = 0;
    };
    std::string numbered(unsigned n) const { return n == 0 ? path_ : path_ + "." + std::to_string(n); }
    Result<std::vector<Place>> open_all();
    Result<bool> fill();      // more of the current file; false: at its end
    Result<bool> next_file(); // on to a newer one; false: there is none
    Result<std::unique_ptr<FileReader>> newer_than(const FileIdentity& identity);

    HostPort& host_;
    std::string path_;
    unsigned max_files_;
    std::vector<Place> waiting_; // newer ones of open(), newest first
    std::unique_ptr<FileReader> current_;
    uint64_t offset_ = 0; // in current_, of what follows buffer_
    std::string buffer_;
    size_t used_ = 0; // of buffer_: already handed out
};

} // namespace hull::engine
