// Contents, owner, attributes, mode and time of files that are open already, on a thread of its own: making a file and
// filling it cost alike, and an archive of many small ones is taken in on two cores. For one thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::store {

struct FileToFinish {
    UniqueFd file; // for writing, at its beginning
    std::string path, contents;
    uint32_t uid = 0, gid = 0, mode = 0;
    int64_t mtime = 0;
    uint32_t mtime_ns = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;
};

// Everything but the contents; in the order in which nothing undoes what was before.
Result<void> settle_file(BorrowedFd file, const FileToFinish& settings);

class FileFinisher {
public:
    FileFinisher() = default;
    // What wasn't begun is not done.
    ~FileFinisher();
    FileFinisher(const FileFinisher&) = delete;
    FileFinisher& operator=(const FileFinisher&) = delete;

    // Waits when much is to be done. Errors: that of an earlier file, with its path; then nothing more is done.
    Result<void> add(FileToFinish file);
    // Until all are done. Errors: as of add().
    Result<void> drain();

private:
    void work();
    Result<void> first_error() const; // with mutex_

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<FileToFinish> waiting_; // with mutex_, as all below
    size_t waiting_bytes_ = 0;
    bool busy_ = false, ended_ = false;
    std::optional<Error> error_;
    std::thread thread_; // begun by the first file
};

} // namespace hull::store
