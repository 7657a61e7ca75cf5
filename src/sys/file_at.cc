#include "sys/file_at.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

namespace {

Result<struct stat> status_of(BorrowedFd fd) {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return Error::from_errno("fstat");
    return status;
}

} // namespace

Result<size_t> read_at(BorrowedFd fd, uint64_t offset, std::span<char> into) {
    ssize_t n = retry([&] { return ::pread(fd.get(), into.data(), into.size(), static_cast<off_t>(offset)); });
    if (n < 0) return Error::from_errno("pread");
    return static_cast<size_t>(n);
}

Result<void> write_all_at(BorrowedFd fd, uint64_t offset, std::string_view data) {
    while (!data.empty()) {
        ssize_t n = retry([&] { return ::pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(offset)); });
        if (n < 0) return Error::from_errno("pwrite");
        offset += static_cast<uint64_t>(n);
        data.remove_prefix(static_cast<size_t>(n));
    }
    return {};
}

Result<uint64_t> file_length(BorrowedFd fd) { return static_cast<uint64_t>(TRY(status_of(fd)).st_size); }

Result<void> truncate(BorrowedFd fd, uint64_t length) {
    if (retry([&] { return ::ftruncate(fd.get(), static_cast<off_t>(length)); }) != 0)
        return Error::from_errno("ftruncate");
    return {};
}

Result<uint64_t> inode_of(BorrowedFd fd) { return static_cast<uint64_t>(TRY(status_of(fd)).st_ino); }

Result<uint64_t> birth_of(BorrowedFd fd) {
    struct statx st{};
    if (retry([&] { return ::statx(fd.get(), "", AT_EMPTY_PATH, STATX_BTIME, &st); }) != 0)
        return Error::from_errno("statx");
    if (!(st.stx_mask & STATX_BTIME)) return uint64_t{0};
    return static_cast<uint64_t>(st.stx_btime.tv_sec) * 1'000'000'000 + st.stx_btime.tv_nsec;
}

} // namespace hull::sys
