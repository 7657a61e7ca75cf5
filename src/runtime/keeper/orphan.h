// Tasks whose parent this keeper isn't: started by a keeper that was killed.
#pragma once

#include <optional>

#include "base/result.h"
#include "runtime/keeper/channel.h"
#include "runtime/keeper/protocol.h"
#include "sys/pidfd.h"

namespace hull::keeper {

// The descriptors of a task of which only the record is left: a pidfd, and the
// output pipes, if its processes still have them. stdin can't be had again: the
// program has seen its end. not_found: the process is gone.
Result<TaskFds> find_task(const TaskRecord& record);

// How it ended, by whichever way the kernel has. nullopt: can't be told now.
std::optional<sys::WaitStatus> orphan_status(BorrowedFd pidfd, int pid);

} // namespace hull::keeper
