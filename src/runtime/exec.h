// Running another program in a container that runs. The same protocol as
// launch.h: an intermediate enters all namespaces of the container and makes
// the process as a child of the caller; the report says how it goes.
#pragma once

#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/launch.h"
#include "runtime/plan.h"

namespace hull::runtime {

// init: a pidfd of the container's first process, so that a reused pid can't
// be entered. Errors that concern the request itself (init is gone: conflict)
// come as events as well as from the call.
Result<PendingLaunch> exec(BorrowedFd init, const ExecPlan& plan, const LaunchFds& stdio,
                           Privileges privileges = Privileges::host);

} // namespace hull::runtime
