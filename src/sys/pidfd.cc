#include "sys/pidfd.h"

#include <charconv>
#include <csignal>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/abi.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/retry.h"

namespace hull::sys {

namespace {

// Newer than our headers: linux/pidfd.h of Linux 6.15.
struct PidfdInfo {
    uint64_t mask, cgroup_id;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long pidfd_get_info = _IOWR(0xFF, 11, PidfdInfo);

// The fields of /proc/<pid>/stat after the program's name, which may hold
// anything; the first is the state, number 3 of proc(5).
Result<std::string> stat_fields(pid_t pid) {
    std::string text = TRY(read_file("/proc/" + std::to_string(pid) + "/stat", 8192));
    size_t end = text.rfind(") ");
    if (end == std::string::npos) return Error(ErrorKind::corrupt, "/proc/" + std::to_string(pid) + "/stat");
    return text.substr(end + 2);
}

std::optional<uint64_t> number_at(std::string_view fields, size_t index) {
    for (; index > 0; --index) {
        size_t space = fields.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        fields.remove_prefix(space + 1);
    }
    uint64_t value = 0;
    if (std::from_chars(fields.data(), fields.data() + fields.size(), value).ec != std::errc()) return std::nullopt;
    return value;
}

} // namespace

Result<pid_t> pid_of(BorrowedFd pidfd) {
    std::string text = TRY(read_file("/proc/self/fdinfo/" + std::to_string(pidfd.get()), 4096));
    constexpr std::string_view key = "\nPid:\t";
    size_t at = text.find(key);
    int pid = 0;
    if (at != std::string::npos) std::from_chars(text.data() + at + key.size(), text.data() + text.size(), pid);
    // -1: reaped; 0: of a pid namespace that the caller doesn't see.
    if (pid <= 0) return Error(ErrorKind::not_found, "the process of a descriptor is gone").with_code(ESRCH);
    return pid;
}

bool pidfd_ended(BorrowedFd pidfd) {
    pollfd entry{pidfd.get(), POLLIN, 0};
    return retry([&] { return ::poll(&entry, 1, 0); }) == 1;
}

WaitStatus from_wait_status(int status) {
    if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

bool reap_child(pid_t pid) {
    return retry([&] { return ::waitpid(pid, nullptr, WNOHANG); }) != 0;
}

std::optional<WaitStatus> reap_pidfd(BorrowedFd pidfd) {
    siginfo_t info{};
    auto id = static_cast<id_t>(pidfd.get());
    if (retry([&] { return ::waitid(static_cast<idtype_t>(P_PIDFD), id, &info, WEXITED | WNOHANG); }) != 0 ||
        info.si_pid == 0)
        return std::nullopt;
    if (info.si_code == CLD_EXITED) return WaitStatus{info.si_status, 0};
    return WaitStatus{128 + info.si_status, info.si_status};
}

std::optional<WaitStatus> exit_of_reaped(BorrowedFd pidfd) {
    PidfdInfo info{};
    info.mask = abi::pidfd_info_exit;
    if (::ioctl(pidfd.get(), pidfd_get_info, &info) != 0 || !(info.mask & abi::pidfd_info_exit)) return std::nullopt;
    return from_wait_status(info.exit_code);
}

std::optional<WaitStatus> exit_of_zombie(BorrowedFd pidfd, pid_t pid) {
    auto fields = stat_fields(pid);
    if (!fields.ok() || !fields->starts_with("Z ")) return std::nullopt;
    // Still there after the read: then what was read was this process.
    if (!pidfd_signal(pidfd, 0).ok()) return std::nullopt;
    auto status = number_at(*fields, 52 - 3); // "exit_code"
    if (!status) return std::nullopt;
    return from_wait_status(static_cast<int>(*status));
}

Result<uint64_t> start_ticks(pid_t pid) {
    std::string fields = TRY(stat_fields(pid));
    auto ticks = number_at(fields, 22 - 3);
    if (!ticks) return Error(ErrorKind::corrupt, "/proc/" + std::to_string(pid) + "/stat");
    return *ticks;
}

} // namespace hull::sys
