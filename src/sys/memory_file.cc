#include "sys/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

Result<UniqueFd> make_memory_file(const char* name) {
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
    if (!fd) return Error::from_errno("memfd_create");
    return fd;
}

Result<std::string> read_memory_file(BorrowedFd file) {
    struct stat st{};
    if (::fstat(file.get(), &st) != 0) return Error::from_errno("fstat");
    std::string out(static_cast<size_t>(st.st_size), '\0');
    size_t used = 0;
    while (used < out.size()) {
        ssize_t n =
            retry([&] { return ::pread(file.get(), out.data() + used, out.size() - used, static_cast<off_t>(used)); });
        if (n < 0) return Error::from_errno("pread");
        if (n == 0) break;
        used += static_cast<size_t>(n);
    }
    out.resize(used);
    return out;
}

} // namespace hull::sys
