// CRIU as a helper program: `criu swrk 3` serves one request that comes over
// descriptor 3, and tells of its progress by notifications, each of which waits
// for an answer.
#pragma once

#include <functional>
#include <span>
#include <string>

#include <sys/types.h>

#include "apps/hull-runtime/criu_messages.h"
#include "apps/hull-runtime/logger.h"
#include "base/unique_fd.h"

namespace hull::oci_runtime {

struct CriuNotification {
    std::string script;
    pid_t pid = 0;
    UniqueFd fd; // "orphan-pts-master"
};

struct CriuRun {
    std::string program; // name on the PATH, or a path
    CriuRequest type = CriuRequest::dump;
    CriuOptions options;
    std::string log; // path, for messages
    // Descriptors that criu gets as 4, 5, ...
    std::span<const BorrowedFd> inherited;
    // Each may be empty. In the child, before it becomes criu:
    std::function<Result<void>()> in_child;
    // The process is there, done with in_child, and the request isn't sent yet;
    // may change options.
    std::function<Result<void>(pid_t, CriuOptions&)> started;
    std::function<Result<void>(CriuNotification&)> notified;
};

// Until it ended. Errors hold criu's own last words from its log.
Result<void> run_criu(CriuRun& run, const Logger& log);

} // namespace hull::oci_runtime
