#include "sys/net_namespace.h"

#include <cstdlib>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/log.h"
#include "sys/file.h"

namespace hull::sys {

Result<NetNamespaceScope> NetNamespaceScope::enter(BorrowedFd net_ns) {
    UniqueFd home = TRY(current_net_namespace());
    if (::setns(net_ns.get(), CLONE_NEWNET) != 0) return Error::from_errno("setns", "network namespace");
    return NetNamespaceScope(std::move(home));
}

NetNamespaceScope::~NetNamespaceScope() {
    if (!home_ || ::setns(home_.get(), CLONE_NEWNET) == 0) return;
    log::error("can't return to the network namespace this thread came from",
               Error::from_errno("setns", "network namespace"));
    std::abort();
}

Result<UniqueFd> current_net_namespace() { return open("/proc/thread-self/ns/net", O_RDONLY); }

Result<UniqueFd> new_net_namespace() {
    UniqueFd home = TRY(current_net_namespace());
    if (::unshare(CLONE_NEWNET) != 0) return Error::from_errno("unshare", "network namespace");
    const NetNamespaceScope back(std::move(home));
    return current_net_namespace();
}

Result<bool> same_namespace(BorrowedFd a, BorrowedFd b) {
    struct stat sa, sb;
    if (::fstat(a.get(), &sa) != 0 || ::fstat(b.get(), &sb) != 0) return Error::from_errno("fstat", "namespace");
    return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

} // namespace hull::sys
