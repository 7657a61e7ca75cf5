#include "sys/process_old.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/directory.h"
#include "sys/own_proc.h"

namespace hull::sys {

Result<pid_t> clone_by_registers(const CloneRequest& request) {
    constexpr uint64_t exit_signal_bits = 0xff;
    if (request.cgroup)
        return Error(ErrorKind::unsupported, "clone3 is missing here, and only it can make a process in a cgroup");
    if (request.flags & exit_signal_bits || request.flags >> 32)
        return Error(ErrorKind::unsupported, "clone3 is missing here, and clone can't make these namespaces");
    uint64_t flags = request.flags | static_cast<uint64_t>(request.exit_signal);
    int pidfd = -1;
    if (request.pidfd) flags |= CLONE_PIDFD;
    // The stack stays where it is, as with fork; the third argument gets the pidfd.
    long pid = ::syscall(SYS_clone, flags, nullptr, &pidfd, nullptr, nullptr);
    if (pid < 0) return Error::from_errno("clone");
    if (pid != 0 && request.pidfd) request.pidfd->reset(pidfd);
    return static_cast<pid_t>(pid);
}

namespace {

constexpr unsigned most_numbers = 1U << 20; // fs.nr_open as kernels come with it

Result<std::vector<unsigned>> listed_from(unsigned first) {
    int fd = ::openat(own_proc().get(), "self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return Error::from_errno("open", "/proc/self/fd");
    OpenDir folder(::fdopendir(fd));
    if (!folder) {
        int code = errno;
        ::close(fd);
        return Error::from_errno("fdopendir", "/proc/self/fd", code);
    }
    std::vector<unsigned> numbers;
    errno = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
        std::string_view name = entry->d_name;
        unsigned number = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), number).ec != std::errc()) continue;
        if (number >= first && static_cast<int>(number) != fd) numbers.push_back(number);
    }
    if (errno != 0) return Error::from_errno("readdir", "/proc/self/fd");
    return numbers;
}

std::vector<unsigned> all_from(unsigned first) {
    rlimit limit{};
    unsigned end = most_numbers;
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < end) end = static_cast<unsigned>(limit.rlim_max);
    std::vector<unsigned> numbers;
    for (unsigned number = first; number < end; ++number)
        if (::fcntl(static_cast<int>(number), F_GETFD) >= 0) numbers.push_back(number);
    return numbers;
}

std::vector<unsigned> open_from(unsigned first) {
    if (own_proc())
        if (auto listed = listed_from(first); listed.ok()) return std::move(*listed);
    return all_from(first);
}

} // namespace

Result<void> mark_each_from(unsigned first) {
    for (unsigned number : open_from(first)) {
        int fd = static_cast<int>(number);
        int flags = ::fcntl(fd, F_GETFD);
        if (flags < 0 || ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) return Error::from_errno("fcntl");
    }
    return {};
}

Result<void> close_each_from(unsigned first, std::span<const unsigned> kept) {
    auto numbers = open_from(first);
    forget_own_proc();
    for (unsigned number : numbers)
        if (!std::ranges::binary_search(kept, number)) ::close(static_cast<int>(number));
    return {};
}

} // namespace hull::sys
