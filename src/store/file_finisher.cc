#include "store/file_finisher.h"

#include "sys/file.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr size_t most_waiting_files = 256, most_waiting_bytes = size_t{4} << 20;

Result<void> finish(const FileToFinish& file) {
    TRY(sys::write_all(file.file, file.contents));
    return settle_file(file.file, file);
}

} // namespace

Result<void> settle_file(BorrowedFd file, const FileToFinish& settings) {
    // This order: chown clears set-uid bits and capabilities, and both the time.
    if (settings.uid != 0 || settings.gid != 0) TRY(sys::change_owner(file, settings.uid, settings.gid));
    for (const auto& [attribute, value] : settings.xattrs) TRY(sys::set_xattr(file, attribute, value));
    TRY(sys::change_mode(file, settings.mode));
    return sys::set_mtime(file, {settings.mtime, settings.mtime_ns});
}

FileFinisher::~FileFinisher() {
    {
        std::lock_guard lock(mutex_);
        ended_ = true;
        waiting_.clear();
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

Result<void> FileFinisher::first_error() const { return error_ ? Result<void>(*error_) : Result<void>(); }

Result<void> FileFinisher::add(FileToFinish file) {
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [&] { return error_ || (waiting_.size() < most_waiting_files && waiting_bytes_ < most_waiting_bytes); });
    TRY(first_error());
    waiting_bytes_ += file.contents.size();
    waiting_.push_back(std::move(file));
    if (waiting_.size() == 1) changed_.notify_all();
    return {};
}

Result<void> FileFinisher::drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || (waiting_.empty() && !busy_); });
    return first_error();
}

void FileFinisher::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
        if (ended_) return;
        std::deque<FileToFinish> taken;
        taken.swap(waiting_);
        waiting_bytes_ = 0;
        busy_ = true;
        changed_.notify_all();
        lock.unlock();
        std::optional<Error> failed;
        while (!taken.empty() && !failed) {
            if (auto done = finish(taken.front()); !done.ok())
                failed = std::move(done).error().context("unpack " + taken.front().path.substr(0, 256));
            taken.pop_front(); // closes it
        }
        lock.lock();
        busy_ = false;
        if (failed && !error_) error_ = std::move(failed);
        changed_.notify_all();
        if (error_) return;
    }
}

} // namespace hull::store
