// Files: open, read, write, rename, remove. EINTR is retried here and nowhere
// else; every descriptor is close-on-exec. Errors carry the syscall, the path
// and the errno. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

Result<UniqueFd> open(const std::string& path, int flags, mode_t mode = 0);
Result<UniqueFd> openat(BorrowedFd dir, const std::string& path, int flags, mode_t mode = 0);

// At most size bytes; 0 at the end of the file.
Result<size_t> read(BorrowedFd fd, std::span<char> into);
// All of data, however many write(2) calls that takes.
Result<void> write_all(BorrowedFd fd, std::string_view data);

// The whole file. Error too_large when it holds more than limit bytes.
Result<std::string> read_file(const std::string& path, size_t limit = size_t{16} << 20);
Result<std::string> read_file_at(BorrowedFd dir, const std::string& path, size_t limit = size_t{16} << 20);
// One write(2) to an existing file: for /proc, /sys and cgroup files.
Result<void> write_existing(const std::string& path, std::string_view data);
Result<void> write_existing_at(BorrowedFd dir, const std::string& path, std::string_view data);

enum class Durability : unsigned char {
    process_crash, // survives kill -9: written and renamed
    power_loss,    // data and folder are fsync'ed too
};
// Readers see the old file or the whole new one, never a part: temporary file
// beside it, (fsync), rename, (fsync of the folder).
Result<void> replace_file(const std::string& path, std::string_view data, mode_t mode,
                          Durability durability = Durability::process_crash);

Result<void> mkdir(const std::string& path, mode_t mode);         // exists: conflict
Result<void> mkdir_parents(const std::string& path, mode_t mode); // like mkdir -p
Result<void> rename(const std::string& from, const std::string& to);
Result<void> chmod(const std::string& path, mode_t mode);
Result<void> unlink(const std::string& path); // missing: not_found
// Missing: ok. Never follows links, never leaves the file system. Ends early, as
// cancelled, once *stop is true.
Result<void> remove_tree(const std::string& path, const std::atomic<bool>* stop = nullptr);
Result<std::vector<std::string>> list_dir(const std::string& path); // names without . and .., unsorted
bool exists(const std::string& path);                               // without following a final link
// That the calling process, as who it acts (effective ids), may execute it.
Result<void> may_execute(const std::string& path);
// By the effective ids; for a folder: files can be made in it.
bool may_write(const std::string& path);
Result<struct stat> stat(const std::string& path);
Result<struct stat> lstat(const std::string& path);
Result<std::string> readlink(const std::string& path);
Result<void> fsync(BorrowedFd fd);
Result<int> access_mode(BorrowedFd fd); // O_RDONLY, O_WRONLY or O_RDWR

} // namespace hull::sys
