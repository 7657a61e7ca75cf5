#include "runtime/copy_up.h"

#include <array>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

#include "sys/file.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

constexpr int max_depth = 200;

Result<void> copy_file(BorrowedFd from, BorrowedFd into, const std::string& name, const struct stat& info) {
    UniqueFd source = TRY(sys::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    UniqueFd copy = TRY(sys::openat(into, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    std::array<char, 65536> buffer{};
    for (;;) {
        size_t n = TRY(sys::read(source, buffer));
        if (n == 0) break;
        TRY(sys::write_all(copy, {buffer.data(), n}));
    }
    TRY(sys::change_owner(copy, info.st_uid, info.st_gid));
    return sys::change_mode(copy, info.st_mode & 07777);
}

Result<void> copy_below(BorrowedFd from, BorrowedFd into, dev_t device, int depth) {
    if (depth > max_depth) return Error(ErrorKind::too_large, "folders are nested more than 200 deep");
    for (const auto& name : TRY(sys::names_in(from))) {
        auto info = TRY(sys::stat_at(from, name));
        if (S_ISLNK(info.st_mode)) {
            TRY(sys::make_symlink_at(into, name, TRY(sys::read_link_at(from, name))));
            TRY(sys::change_owner_at(into, name, info.st_uid, info.st_gid));
        } else if (S_ISREG(info.st_mode)) {
            TRY(copy_file(from, into, name, info));
        } else if (S_ISDIR(info.st_mode) && info.st_dev == device) {
            TRY(sys::make_dir_at(into, name, 0700));
            UniqueFd deeper = TRY(sys::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            UniqueFd copy = TRY(sys::openat(into, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            TRY(copy_below(deeper, copy, device, depth + 1));
            TRY(sys::change_owner(copy, info.st_uid, info.st_gid));
            TRY(sys::change_mode(copy, info.st_mode & 07777));
        }
    }
    return {};
}

} // namespace

Result<void> copy_tree(BorrowedFd from, BorrowedFd into) {
    UniqueFd source = TRY(sys::openat(from, ".", O_RDONLY | O_DIRECTORY));
    UniqueFd copy = TRY(sys::openat(into, ".", O_RDONLY | O_DIRECTORY));
    auto info = TRY(sys::stat_fd(source));
    return copy_below(source, copy, info.st_dev, 0);
}

} // namespace hull::runtime
