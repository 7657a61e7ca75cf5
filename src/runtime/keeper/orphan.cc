#include "runtime/keeper/orphan.h"

#include <fcntl.h>

#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/process.h"

namespace hull::keeper {

namespace {

// A new read end of the pipe that the process has as this descriptor. By
// inode: the program may have put something else there.
UniqueFd reopen_pipe(int pid, int number, uint64_t inode) {
    if (inode == 0) return {};
    std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(number);
    auto link = sys::readlink(path);
    if (!link.ok() || *link != "pipe:[" + std::to_string(inode) + "]") return {};
    auto fd = sys::open(path, O_RDONLY | O_NONBLOCK);
    if (!fd.ok()) return {};
    auto opened = sys::inode_of(*fd);
    return opened.ok() && *opened == inode ? std::move(*fd) : UniqueFd();
}

} // namespace

Result<TaskFds> find_task(const TaskRecord& record) {
    auto pidfd = sys::pidfd_open(record.pid);
    Error gone(ErrorKind::not_found, "process " + std::to_string(record.pid) + " is gone");
    if (!pidfd.ok()) return gone;
    auto ticks = sys::start_ticks(record.pid);
    if (!ticks.ok() || *ticks != record.start_ticks) return gone;
    TaskFds fds;
    fds.pidfd = std::move(*pidfd);
    fds.out = reopen_pipe(record.pid, 1, record.stdout_inode);
    fds.err = reopen_pipe(record.pid, 2, record.stderr_inode);
    return fds;
}

std::optional<sys::WaitStatus> orphan_status(BorrowedFd pidfd, int pid) {
    // Children of ours come here too, after a re-execution that lost its state.
    if (auto status = sys::reap_pidfd(pidfd)) return status;
    if (auto status = sys::exit_of_reaped(pidfd)) return status;
    return sys::exit_of_zombie(pidfd, pid);
}

} // namespace hull::keeper
