// File trees, handled by a folder's descriptor and a name in it: what unpacking,
// walking and copying of trees needs. A name never holds a slash and a final
// link is never followed. Errors carry the syscall, the name and the errno.
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

Result<void> make_dir_at(BorrowedFd dir, const std::string& name, mode_t mode); // exists: conflict
// A device, fifo or whiteout (character device 0/0).
Result<void> make_node_at(BorrowedFd dir, const std::string& name, mode_t mode, unsigned major, unsigned minor);
Result<void> make_symlink_at(BorrowedFd dir, const std::string& name, const std::string& target);
Result<void> make_link_at(BorrowedFd from_dir, const std::string& from, BorrowedFd dir, const std::string& name);
Result<void> unlink_at(BorrowedFd dir, const std::string& name);
Result<void> remove_tree_at(BorrowedFd dir, const std::string& name); // missing: ok

Result<struct stat> stat_at(BorrowedFd dir, const std::string& name);
Result<struct stat> stat_fd(BorrowedFd fd);
Result<std::string> read_link_at(BorrowedFd dir, const std::string& name);
// Names without . and .., sorted by byte unless any order does.
enum class Order : unsigned char { by_name, any };
Result<std::vector<std::string>> names_in(BorrowedFd dir, Order order = Order::by_name);

struct Timestamp {
    int64_t seconds = 0;
    uint32_t ns = 0;
};
Result<void> change_owner_at(BorrowedFd dir, const std::string& name, uid_t uid, gid_t gid);
Result<void> change_owner(BorrowedFd fd, uid_t uid, gid_t gid);
Result<void> change_mode_at(BorrowedFd dir, const std::string& name, mode_t mode); // not of links
Result<void> change_mode(BorrowedFd fd, mode_t mode);
Result<void> set_mtime_at(BorrowedFd dir, const std::string& name, Timestamp mtime); // atime too
Result<void> set_mtime(BorrowedFd fd, Timestamp mtime);

// Extended attributes of any kind of file, links too.
Result<void> set_xattr_at(BorrowedFd dir, const std::string& name, const std::string& attribute,
                          std::string_view value);
Result<void> set_xattr(BorrowedFd fd, const std::string& attribute, std::string_view value);
// nullopt: it has none of that name.
Result<std::optional<std::string>> get_xattr_at(BorrowedFd dir, const std::string& name, const std::string& attribute);

Result<void> rewind(BorrowedFd fd); // to the file's start
Result<void> write_all_at(BorrowedFd fd, std::string_view data, uint64_t offset);

// Begins to write the file's pages to the device, without waiting.
void start_writeback(BorrowedFd fd);
// Everything written to the file system that fd is on is durable afterwards.
Result<void> sync_file_system(BorrowedFd fd);

// Opens or makes the file and locks it for this process until the descriptor is
// closed. Error conflict when another one holds it.
Result<UniqueFd> lock_file(const std::string& path);
enum class Sharing : unsigned char { exclusive, shared };
// Locks an open file or folder until all copies of the descriptor, those of
// forked children too, are closed. False: somebody else has it locked.
Result<bool> try_lock(BorrowedFd fd, Sharing sharing);

} // namespace hull::sys
