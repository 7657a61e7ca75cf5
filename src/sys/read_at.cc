#include "sys/read_at.h"

#include <sys/stat.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

Result<size_t> read_at(BorrowedFd fd, uint64_t offset, std::span<char> into) {
    ssize_t n = retry([&] { return ::pread(fd.get(), into.data(), into.size(), static_cast<off_t>(offset)); });
    if (n < 0) return Error::from_errno("pread");
    return static_cast<size_t>(n);
}

Result<uint64_t> file_size(BorrowedFd fd) {
    struct stat st;
    if (::fstat(fd.get(), &st) < 0) return Error::from_errno("fstat");
    return static_cast<uint64_t>(st.st_size);
}

Result<FileIdentity> file_identity(BorrowedFd fd) {
    struct stat st;
    if (::fstat(fd.get(), &st) < 0) return Error::from_errno("fstat");
    return FileIdentity{.device = st.st_dev, .inode = st.st_ino};
}

} // namespace hull::sys
